import { createStarClient, pushStreams, type Connection } from '@websocket-star/client'
import { writableStream } from '@websocket-star/streams'
import type { Incoming, OpenPeer, Outgoing } from './peer.js'

/** `push`: the core below the streams, as a transport of libp2p uses it. */
export type Interface = 'push' | 'whatwg'

/** A peer of this repository's client, with its default options. */
export function ours(by: Interface): OpenPeer {
  const { outgoing, incoming } = by === 'push' ? PUSH : WHATWG
  return async ({ server }) => {
    const client = await createStarClient({ servers: [server] })
    const first = new Promise<Connection>((resolve) => client.handle(resolve))
    await client.join()
    return {
      address: client.peerId,
      incoming: first.then(incoming),
      dial: async (address) => outgoing(await client.dial(address))
    }
  }
}

interface Ends {
  outgoing(connection: Connection): Outgoing
  incoming(connection: Connection): Incoming
}

const PUSH: Ends = {
  outgoing: (connection) => {
    const { sink } = pushStreams(connection)
    return {
      waiting: () => sink.writableLength,
      send: (supply) =>
        new Promise((resolve, reject) => {
          sink.onFinish = (error) => (error === undefined ? resolve() : reject(error))
          const fill = () => {
            for (let piece = supply.next(); piece !== undefined; piece = supply.next()) if (!sink.write(piece)) return
            sink.end()
          }
          sink.onDrain = fill
          fill()
        })
    }
  },
  incoming: (connection) => {
    const { source } = pushStreams(connection)
    return {
      receive: (take) =>
        new Promise((resolve, reject) => {
          source.onData = take
          source.onEnd = (error) => (error === undefined ? resolve() : reject(error))
          source.resume()
        }),
      pause: () => source.pause()
    }
  }
}

const WHATWG: Ends = {
  outgoing: (connection) => {
    // As `connection.writable` is made, but with the sink to look into.
    const { sink } = pushStreams(connection)
    const writable = writableStream(sink)
    return {
      waiting: () => sink.writableLength,
      send: async (supply) => {
        const writer = writable.getWriter()
        for (let piece = supply.next(); piece !== undefined; piece = supply.next()) {
          await writer.ready
          // Whether it fails is told by `ready`, and at the end by `close`.
          writer.write(piece).catch(() => {})
        }
        await writer.close()
      }
    }
  },
  incoming: ({ readable }) => ({
    receive: async (take) => {
      const reader = readable.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        take(value)
      }
    }
  })
}
