import type { WebSocketWire } from '@websocket-star/testkit'
import type { RunningServer } from '../../contenders/servers/server.js'
import { patternOf, Train, type MessageShape } from '../../wire/train.js'
import { Verifier } from '../../wire/verifier.js'
import type { OpenSender, Sender } from './sender.js'
import { Turn } from './turn.js'

/** Opens pairs of raw WebSockets through a server. */
export function webSocketSenders(server: Pick<RunningServer, 'openPair'>): OpenSender {
  const turn = new Turn()
  return async ({ index, payload, mode, burst, window }) => {
    const { near, far, header, lead } = await server.openPair()
    const shape = { header, lead, payload: patternOf(index, payload) }
    const verifier = new Verifier(`pair ${index}`, shape)
    far.filter((...frame) => verifier.take(...frame))
    const lane: Lane = { near, far, shape, verifier, burst, window }
    return mode === 'bursts' ? new BurstSender(lane) : new SingleSender(lane, turn)
  }
}

/** A pair of sockets, and what goes over it. */
interface Lane {
  near: WebSocketWire
  far: WebSocketWire
  shape: MessageShape
  verifier: Verifier
  burst: number
  window: number
}

/** Writes many messages at once, as a corked socket does; the next burst leaves when the window has room for all of it. */
class BurstSender implements Sender {
  sent = 0
  readonly #lane: Lane
  /** Trains whose bytes have left: they may be numbered anew. */
  readonly #idle: Train[]
  #running = false

  constructor(lane: Lane) {
    this.#lane = lane
    const trains = Math.floor(lane.window / lane.burst)
    this.#idle = Array.from({ length: trains }, () => new Train(lane.shape, lane.burst))
    lane.far.onRead(() => this.#fill())
  }

  get received(): number {
    return this.#lane.verifier.received
  }

  start(): void {
    this.#running = true
    this.#fill()
  }

  stop(): void {
    this.#running = false
  }

  #fill(): void {
    const { near, burst, window } = this.#lane
    while (this.#running && this.sent - this.received + burst <= window) {
      const train = this.#idle.pop()
      if (train === undefined) return
      const first = this.sent
      this.sent += burst
      near.tcp.write(train.number(first), () => {
        this.#idle.push(train)
        this.#fill()
      })
    }
  }
}

/** Writes one message per turn of the event loop, header and attachment each on its own, so that each leaves by itself. */
class SingleSender implements Sender {
  sent = 0
  readonly #lane: Lane
  readonly #train: Train
  readonly #turn: Turn

  constructor(lane: Lane, turn: Turn) {
    this.#lane = lane
    // One place more than can be under way: a message that has arrived has left the socket's buffers.
    this.#train = new Train(lane.shape, lane.window + 1)
    this.#turn = turn
    lane.far.onRead(() => turn.wake())
    turn.add(() => this.#sendOne())
  }

  get received(): number {
    return this.#lane.verifier.received
  }

  start(): void {
    this.#turn.start()
  }

  stop(): void {
    this.#turn.stop()
  }

  #sendOne(): boolean {
    const { near, window } = this.#lane
    if (this.sent - this.received >= window) return false
    const number = this.sent++
    const [header, binary] = this.#train.frames(number % (window + 1), number)
    near.tcp.write(header)
    near.tcp.write(binary)
    return true
  }
}
