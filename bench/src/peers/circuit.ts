import { commonOptions, importLibp2p, type Stream } from '../circuit/modules.js'
import type { Incoming, OpenPeer, Outgoing } from './peer.js'
import { Receipts } from './receipts.js'
import type { Supply } from './supply.js'

const PROTOCOL = '/websocket-star-bench/1.0.0'
const RELAYED = { runOnLimitedConnection: true }
/** A node of js-libp2p that is reached through a circuit relay only. */
export const circuit: OpenPeer = async ({ server: relay, modules, size }) => {
  const libp2p = await importLibp2p(modules)
  const common = commonOptions(libp2p)
  const transports = [...common.transports, libp2p.circuitRelayTransport()]
  const node = await libp2p.createLibp2p({
    ...common,
    transports,
    addresses: { listen: [`${relay}/p2p-circuit`] }
  })
  const incoming = new Promise<Incoming>((resolve) => {
    void node.handle(PROTOCOL, (stream) => resolve(new CircuitIncoming(stream, new Receipts(size))), RELAYED)
  })
  return {
    address: `${relay}/p2p-circuit/p2p/${node.peerId.toString()}`,
    incoming,
    dial: async (address) => {
      const stream = await node.dialProtocol(libp2p.multiaddr(address), PROTOCOL, RELAYED)
      return new CircuitOutgoing(stream, new Receipts(size))
    }
  }
}

class CircuitOutgoing implements Outgoing {
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
        if (error !== undefined) reject(new Error('the relayed stream was closed', { cause: error }))
      })
      fill()
    })
  }
}

class CircuitIncoming implements Incoming {
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
        else reject(new Error('the relayed stream was closed', { cause: error }))
      })
    })
  }
}
