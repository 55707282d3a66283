/** A peer whose connections are streams of js-libp2p. Pages load this too: it imports nothing of Node. */
import type { Stream } from './libp2p.js'
import type { Nodes } from './libp2p-node.js'
import type { Incoming, Outgoing, Peer } from './peer.js'
import { Receipts } from './receipts.js'

const PROTOCOL = '/websocket-star-bench/1.0.0'

/** libp2p counts connections through a circuit relay as limited, even where they are not. */
export const RELAYED = { runOnLimitedConnection: true }

/** @param size - bytes of each write */
export async function openStreamPeer({ create, addressOf, multiaddr }: Nodes, size: number): Promise<Peer> {
  const node = await create()
  const incoming = new Promise<Incoming>((resolve) => {
    void node.handle(PROTOCOL, (stream) => resolve(incomingOf(stream, new Receipts(size))), RELAYED)
  })
  return {
    address: addressOf(node),
    incoming,
    dial: async (address) =>
      outgoingOf(await node.dialProtocol(multiaddr(address), PROTOCOL, RELAYED), new Receipts(size))
  }
}

function outgoingOf(stream: Stream, receipts: Receipts): Outgoing {
  let acknowledged = 0
  let blocked = false
  let ended = false
  return {
    send: (supply) =>
      new Promise((resolve, reject) => {
        const fill = () => {
          while (!blocked && !ended && supply.given - acknowledged < receipts.window) {
            const piece = supply.next()
            if (piece === undefined) {
              ended = true
              stream.close().then(resolve, reject)
            } else {
              blocked = !stream.send(piece)
            }
          }
        }
        stream.addEventListener('message', ({ data }) => {
          acknowledged += receipts.bytesOf(data.subarray().length)
          fill()
        })
        stream.addEventListener('drain', () => {
          blocked = false
          fill()
        })
        stream.addEventListener('close', ({ error }) => {
          if (error !== undefined) reject(new Error('the stream was closed', { cause: error }))
        })
        fill()
      })
  }
}

function incomingOf(stream: Stream, receipts: Receipts): Incoming {
  return {
    receive: (take) =>
      new Promise((resolve, reject) => {
        stream.addEventListener('message', ({ data }) => {
          const bytes = data.subarray()
          take(bytes)
          receipts.received(bytes.length)
          const back = receipts.take()
          // So few bytes need not wait for anything.
          if (back !== undefined) stream.send(back)
        })
        stream.addEventListener('end', () => resolve())
        stream.addEventListener('close', ({ error }) => {
          if (error === undefined) resolve()
          else reject(new Error('the stream was closed', { cause: error }))
        })
      })
  }
}
