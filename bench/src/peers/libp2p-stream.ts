/** A peer whose connections are streams of js-libp2p. Pages load this too: it imports nothing of Node. */
import type { Stream } from './libp2p.js'
import type { Nodes } from './libp2p-node.js'
import type { Incoming, Outgoing, Peer } from './peer.js'
import { Receipts } from './receipts.js'
import type { Supply } from './supply.js'

const PROTOCOL = '/websocket-star-bench/1.0.0'

/** libp2p counts connections through a circuit relay as limited, even where they are not. */
export const RELAYED = { runOnLimitedConnection: true }

/** @param size - bytes of each write */
export async function openStreamPeer({ create, addressOf, multiaddr }: Nodes, size: number): Promise<Peer> {
  const node = await create()
  const incoming = new Promise<Incoming>((resolve) => {
    void node.handle(PROTOCOL, (stream) => resolve(new StreamIncoming(stream, new Receipts(size))), RELAYED)
  })
  return {
    address: addressOf(node),
    incoming,
    dial: async (address) => {
      const stream = await node.dialProtocol(multiaddr(address), PROTOCOL, RELAYED)
      return new StreamOutgoing(stream, new Receipts(size))
    }
  }
}

class StreamOutgoing implements Outgoing {
  /** Nobody asks. */
  readonly waiting = Number.NaN
  readonly #stream: Stream
  readonly #receipts: Receipts

  constructor(stream: Stream, receipts: Receipts) {
    this.#stream = stream
    this.#receipts = receipts
  }

  send(supply: Supply): Promise<void> {
    const stream = this.#stream
    const receipts = this.#receipts
    let acknowledged = 0
    let blocked = false
    let ended = false
    return new Promise((resolve, reject) => {
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

class StreamIncoming implements Incoming {
  readonly #stream: Stream
  readonly #receipts: Receipts

  constructor(stream: Stream, receipts: Receipts) {
    this.#stream = stream
    this.#receipts = receipts
  }

  receive(take: (bytes: Uint8Array) => void): Promise<void> {
    const stream = this.#stream
    const receipts = this.#receipts
    return new Promise((resolve, reject) => {
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
