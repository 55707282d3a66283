import { createStarClient, type Connection } from '@websocket-star/client'
import type { Incoming, OpenPeer, Outgoing } from './peer.js'
import type { Supply } from './supply.js'

/** `push`: the core below the streams, as a transport of libp2p uses it. */
export type Interface = 'push' | 'whatwg'

/** A peer of this repository's client, with its default options. */
export function ours(by: Interface): OpenPeer {
  return async ({ server }) => {
    const client = await createStarClient({ servers: [server] })
    const incoming = new Promise<Incoming>((resolve) => {
      client.handle((connection) =>
        resolve(by === 'push' ? new PushIncoming(connection) : new WhatwgIncoming(connection))
      )
    })
    await client.join()
    return {
      address: client.peerId,
      incoming,
      dial: async (address) => {
        const connection = await client.dial(address)
        return by === 'push' ? new PushOutgoing(connection) : new WhatwgOutgoing(connection)
      }
    }
  }
}

class PushOutgoing implements Outgoing {
  readonly #sink: Connection['sink']

  constructor({ sink }: Connection) {
    this.#sink = sink
  }

  get waiting(): number {
    return this.#sink.writableLength
  }

  send(supply: Supply): Promise<void> {
    const sink = this.#sink
    return new Promise((resolve, reject) => {
      sink.onFinish = (error) => (error === undefined ? resolve() : reject(error))
      const fill = () => {
        for (let piece = supply.next(); piece !== undefined; piece = supply.next()) if (!sink.write(piece)) return
        sink.end()
      }
      sink.onDrain = fill
      fill()
    })
  }
}

class PushIncoming implements Incoming {
  readonly #source: Connection['source']

  constructor({ source }: Connection) {
    this.#source = source
  }

  receive(take: (bytes: Uint8Array) => void): Promise<void> {
    const source = this.#source
    return new Promise((resolve, reject) => {
      source.onData = take
      source.onEnd = (error) => (error === undefined ? resolve() : reject(error))
      source.resume()
    })
  }

  pause(): void {
    this.#source.pause()
  }
}

class WhatwgOutgoing implements Outgoing {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  get waiting(): number {
    return this.#connection.sink.writableLength
  }

  async send(supply: Supply): Promise<void> {
    const writer = this.#connection.writable.getWriter()
    for (let piece = supply.next(); piece !== undefined; piece = supply.next()) {
      await writer.ready
      // Whether it fails is told by `ready`, and at the end by `close`.
      writer.write(piece).catch(() => {})
    }
    await writer.close()
  }
}

class WhatwgIncoming implements Incoming {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async receive(take: (bytes: Uint8Array) => void): Promise<void> {
    const reader = this.#connection.readable.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      take(value)
    }
  }
}
