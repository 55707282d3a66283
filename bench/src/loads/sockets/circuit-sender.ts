import { commonOptions, type Libp2p, type Stream } from '../../contenders/libraries/libp2p.js'
import { importLibp2p, libp2pModules } from '../../contenders/libraries/libp2p-modules.js'
import { patternOf } from '../../wire/train.js'
import type { OpenSender, Sender, StreamPlan } from './sender.js'

const PROTOCOL = '/websocket-star-bench/1.0.0'
const NUMBER_SIZE = 4
const RELAYED = { runOnLimitedConnection: true }

/** Opens streams between two nodes that reach each other through a circuit relay only. */
export function circuitSenders(relay: string): OpenSender {
  return async (plan) => {
    const libp2p = await importLibp2p(await libp2pModules())
    const [near, far] = await connect(libp2p, relay)
    return new CircuitSender(near, far, plan)
  }
}

async function connect(libp2p: Libp2p, relay: string): Promise<[near: Stream, far: Stream]> {
  const peer = (listen: string[]) => {
    const common = commonOptions(libp2p)
    const transports = [...common.transports, libp2p.circuitRelayTransport()]
    return libp2p.createLibp2p({ ...common, transports, addresses: { listen } })
  }
  const listener = await peer([`${relay}/p2p-circuit`])
  const dialer = await peer([])
  const far = new Promise<Stream>((resolve) => void listener.handle(PROTOCOL, resolve, RELAYED))
  const address = libp2p.multiaddr(`${relay}/p2p-circuit/p2p/${listener.peerId.toString()}`)
  const near = await dialer.dialProtocol(address, PROTOCOL, RELAYED)
  // The protocol is settled with the first byte, and only then is the listener told.
  near.send(new Uint8Array(1))
  const heard = await far
  await new Promise((resolve) => heard.addEventListener('message', resolve, { once: true }))
  return [near, heard]
}

/** Bytes in place of messages: a libp2p stream keeps their order, not their borders. */
class CircuitSender implements Sender {
  sent = 0
  received = 0
  readonly #near: Stream
  readonly #window: number
  readonly #payload: Buffer
  #running = false
  #blocked = false
  /** Bytes of the current message that have come. */
  #at = 0

  constructor(near: Stream, far: Stream, { index, payload, window }: StreamPlan) {
    this.#near = near
    this.#window = window
    this.#payload = patternOf(index, payload)
    far.addEventListener('message', ({ data }) => {
      this.#receive(Buffer.from(data.subarray()))
      this.#fill()
    })
    near.addEventListener('drain', () => {
      this.#blocked = false
      this.#fill()
    })
    near.addEventListener('close', ({ error }) => {
      if (this.#running) throw new Error('the relayed stream was closed', { cause: error })
    })
  }

  start(): void {
    this.#running = true
    this.#fill()
  }

  stop(): void {
    this.#running = false
  }

  #fill(): void {
    while (this.#running && !this.#blocked && this.sent - this.received < this.#window) {
      // Each message has bytes of its own, for the stream may keep them until they leave.
      const message = Buffer.from(this.#payload)
      message.writeUInt32LE(this.sent++, 0)
      this.#blocked = !this.#near.send(message)
    }
  }

  #receive(bytes: Buffer): void {
    for (let start = 0; start < bytes.length;) {
      const end = Math.min(bytes.length, start + this.#payload.length - this.#at)
      if (this.#at < NUMBER_SIZE) this.#payload.writeUInt32LE(this.received, 0)
      const to = this.#at + end - start
      if (bytes.compare(this.#payload, this.#at, to, start, end) !== 0) {
        throw new Error(`the relayed stream, message ${this.received}: a byte is wrong`)
      }
      if (to === this.#payload.length) this.received++
      this.#at = to % this.#payload.length
      start = end
    }
  }
}
