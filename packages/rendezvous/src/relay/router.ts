import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { Counters, ResetReason } from '../stats.js'
import type { Session } from '../transport/session.js'
import type { StreamFrame } from '../codec/stream-frame.js'
import type { BacklogWatch } from '../transport/backlog.js'
import type { FlowControl } from './flow-control.js'
import type { Endpoint } from './endpoint.js'
import { Half, type HalfRules } from './half.js'

export interface RouterOptions {
  /** Stream halves that one session may have open. */
  streamsPerSession: number
  /** Milliseconds that a half may wait for its receiver. */
  acceptTimeout: number
  /** Milliseconds after which a client that is not read from is told again that the server is there. */
  pongInterval: number
}

/**
 * Passes the frames of stream halves between their two endpoints. Names on the wire carry no peer, so a name is unique
 * per endpoint, and only a half's sender may send chunks, only its receiver acceptance and credit, and either its end.
 */
export class Router implements HalfRules {
  readonly #options: RouterOptions
  readonly #counters: Counters
  readonly #flow: FlowControl
  readonly #backlog: BacklogWatch
  readonly #now: () => number
  /** Halves that wait for their receiver, oldest first. */
  readonly #unaccepted = new Set<Half>()
  /** How many of them there are of each endpoint's dials. */
  readonly #unacceptedOf = new Map<Endpoint, number>()
  #size = 0
  #reassuredAt = 0

  constructor(
    options: RouterOptions,
    flow: FlowControl,
    backlog: BacklogWatch,
    counters: Counters,
    now: () => number = () => performance.now()
  ) {
    this.#options = options
    this.#flow = flow
    this.#backlog = backlog
    this.#counters = counters
    this.#now = now
  }

  /** Stream halves open now. */
  get size(): number {
    return this.#size
  }

  /** Halves of a endpoint's dials that wait for their receiver. */
  unacceptedOf(endpoint: Endpoint): number {
    return this.#unacceptedOf.get(endpoint) ?? 0
  }

  /** Whether a endpoint may be an end of `more` halves besides those it has. */
  hasRoom(endpoint: Endpoint, more: number): boolean {
    return endpoint.routes.size + more <= this.#options.streamsPerSession
  }

  /** Opens a half whose name is free at both ends; from now on its receiver may accept it. */
  open(stream: string, sender: Endpoint, receiver: Endpoint, partner?: Half): Half {
    const half = new Half(stream, sender, receiver, this.#now(), this)
    half.partner = partner
    if (partner !== undefined) partner.partner = half
    sender.routes.set(stream, half)
    receiver.routes.set(stream, half)
    this.#unaccepted.add(half)
    this.#unacceptedOf.set(half.dialer, this.unacceptedOf(half.dialer) + 1)
    this.#size++
    return half
  }

  /** Ends a half without a word to either end. */
  drop(half: Half): void {
    if (half.ended) return
    half.ended = true
    half.sender.routes.delete(half.stream)
    half.receiver.routes.delete(half.stream)
    this.#settle(half)
    this.#flow.forget(half)
    this.#size--
  }

  /** Ends both halves of a dial and tells both ends, each on the half it receives and on the one it sends. */
  reset(half: Half, reason: ResetReason, message: string): void {
    this.#counters.reset(reason)
    for (const each of [half, half.partner]) {
      if (each === undefined || each.ended) continue
      each.failure = message
      this.drop(each)
      each.receiver.sendError(each.stream, message)
      each.sender.sendError(each.stream, message)
    }
  }

  /** A endpoint has gone: every dial it was part of ends. */
  detach(endpoint: Endpoint, reason: ResetReason = 'peer left', message: string = WIRE_ERRORS.peerLeft): void {
    // All that a endpoint's routes hold are halves of this router.
    for (const half of endpoint.routes.values() as Iterable<Half>) this.reset(half, reason, message)
    this.#flow.leave(endpoint)
    this.#backlog.forget(endpoint)
  }

  /** Something was sent to a session. */
  sent(session: Session): void {
    this.#backlog.note(session)
  }

  /** A session has asked for something. */
  asked(session: Session): void {
    this.#flow.asked(session)
  }

  /** A endpoint has taken enough of what waited for it. */
  drained(endpoint: Endpoint): void {
    this.#flow.drained(endpoint)
  }

  /** Looks at what waits: for a receiver's acceptance, for room, for a sign of life. */
  sweep(): void {
    const limit = this.#now() - this.#options.acceptTimeout
    for (const half of this.#unaccepted) {
      if (half.openedAt > limit) break
      // Alone, for a dial may be used one way only.
      this.#counters.reset('not accepted')
      this.drop(half)
      half.sender.sendError(half.stream, WIRE_ERRORS.streamNotAccepted)
      half.receiver.sendError(half.stream, WIRE_ERRORS.streamNotAccepted)
    }
    for (const half of this.#flow.overdue()) this.reset(half, 'held too long', WIRE_ERRORS.heldTooLong)
    this.#backlog.sweep()
    this.#reassure()
  }

  /** Decides upon a frame: it goes to the other end of its half, or nowhere. */
  route(from: Endpoint, frame: StreamFrame): void {
    const half = from.routes.get(frame.stream) as Half | undefined // as above
    if (half === undefined) return this.#counters.drop('unknown stream')
    switch (frame.kind) {
      case 'bad chunk':
        return from === half.sender ? this.reset(half, 'payload', WIRE_ERRORS.notBinary) : this.#dropForeign()
      case 'accept':
        return from === half.receiver ? this.#accept(half, frame.window) : this.#dropForeign()
      case 'credit':
        return from === half.receiver ? this.#credit(half, frame.bytes) : this.#dropForeign()
      case 'error':
        // Whoever breaks a half while its dial is answered does not want the other either.
        if (frame.reason !== true) half.failure = frame.reason
        this.drop(half)
        return (from === half.sender ? half.receiver : half.sender).sendError(half.stream, frame.reason)
    }
  }

  /** The way of a chunk: from the sender's connection to the receiver's, as it came. */
  chunk(half: Half, from: Endpoint, bytes: Buffer, offset: number): void {
    if (from !== half.sender) return this.#dropForeign()
    if (half.ended) return this.#counters.drop('unknown stream')
    if (!half.accepted) return this.reset(half, 'data before accept', WIRE_ERRORS.dataBeforeAccept)
    const size = bytes.length - offset
    if (!this.#flow.admits(half, size)) return this.reset(half, 'window exceeded', WIRE_ERRORS.windowExceeded)
    this.#counters.relayed.chunks++
    this.#counters.relayed.bytes += size
    half.bytes += size
    half.receiver.sendChunk(half.header, bytes, offset)
    if (!this.#flow.forwarded(half, size)) this.reset(half, 'receiver too slow', WIRE_ERRORS.receiverTooSlow)
  }

  #accept(half: Half, window: number | undefined): void {
    if (half.accepted) return this.#counters.drop('repeated accept')
    half.accepted = true
    this.#settle(half)
    half.sender.sendAccept(half.stream, this.#flow.accepted(half, window))
  }

  /** A half waits for its receiver no more. */
  #settle(half: Half): void {
    if (!this.#unaccepted.delete(half)) return
    const left = this.unacceptedOf(half.dialer) - 1
    if (left > 0) this.#unacceptedOf.set(half.dialer, left)
    else this.#unacceptedOf.delete(half.dialer)
  }

  #credit(half: Half, bytes: number): void {
    if (this.#flow.granted(half, bytes)) half.sender.sendCredit(half.stream, bytes)
  }

  /** A client whose pings or pongs cannot be heard gives up unless it is told something. */
  #reassure(): void {
    const now = this.#now()
    if (now - this.#reassuredAt < this.#options.pongInterval) return
    this.#reassuredAt = now
    for (const endpoint of new Set([...this.#flow.takeHeld(), ...this.#backlog.sessions])) {
      endpoint.reassure()
    }
  }

  #dropForeign(): void {
    this.#counters.drop('foreign stream')
  }
}
