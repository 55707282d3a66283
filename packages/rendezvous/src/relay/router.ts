import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { Counters, ResetReason } from '../stats.js'
import type { Session } from '../wire/session.js'
import type { StreamFrame } from '../wire/stream-frame.js'
import type { BacklogWatch } from '../wire/backlog.js'
import type { FlowControl } from './flow-control.js'
import type { Party } from './party.js'
import { Proxy, type ProxyRules } from './proxy.js'

export interface RouterOptions {
  /** Stream halves that one session may have open. */
  streamsPerSession: number
  /** Milliseconds that a half may wait for its receiver. */
  acceptTimeout: number
  /** Milliseconds after which a client that is not read from is told again that the server is there. */
  pongInterval: number
}

/**
 * Passes the frames of stream halves between their two parties. Names on the wire carry no peer, so a name is unique
 * per party, and only a half's sender may send chunks, only its receiver acceptance and credit, and either its end.
 */
export class Router implements ProxyRules {
  readonly #options: RouterOptions
  readonly #counters: Counters
  readonly #flow: FlowControl
  readonly #backlog: BacklogWatch
  readonly #now: () => number
  /** Halves that wait for their receiver, oldest first. */
  readonly #unaccepted = new Set<Proxy>()
  /** How many of them there are of each party's dials. */
  readonly #unacceptedOf = new Map<Party, number>()
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

  /** Halves of a party's dials that wait for their receiver. */
  unacceptedOf(party: Party): number {
    return this.#unacceptedOf.get(party) ?? 0
  }

  /** Whether a party may be an end of `more` halves besides those it has. */
  hasRoom(party: Party, more: number): boolean {
    return party.routes.size + more <= this.#options.streamsPerSession
  }

  /** Opens a half whose name is free at both ends; from now on its receiver may accept it. */
  open(stream: string, sender: Party, receiver: Party, partner?: Proxy): Proxy {
    const proxy = new Proxy(stream, sender, receiver, this.#now(), this)
    proxy.partner = partner
    if (partner !== undefined) partner.partner = proxy
    sender.routes.set(stream, proxy)
    receiver.routes.set(stream, proxy)
    this.#unaccepted.add(proxy)
    this.#unacceptedOf.set(proxy.dialer, this.unacceptedOf(proxy.dialer) + 1)
    this.#size++
    return proxy
  }

  /** Ends a half without a word to either end. */
  drop(proxy: Proxy): void {
    if (proxy.ended) return
    proxy.ended = true
    proxy.sender.routes.delete(proxy.stream)
    proxy.receiver.routes.delete(proxy.stream)
    this.#settle(proxy)
    this.#flow.forget(proxy)
    this.#size--
  }

  /** Ends both halves of a dial and tells both ends, each on the half it receives and on the one it sends. */
  reset(proxy: Proxy, reason: ResetReason, message: string): void {
    this.#counters.reset(reason)
    for (const half of [proxy, proxy.partner]) {
      if (half === undefined || half.ended) continue
      half.failure = message
      this.drop(half)
      half.receiver.sendError(half.stream, message)
      half.sender.sendError(half.stream, message)
    }
  }

  /** A party has gone: every dial it was part of ends. */
  detach(party: Party, reason: ResetReason = 'peer left', message: string = WIRE_ERRORS.peerLeft): void {
    // All that a party's routes hold are proxies of this router.
    for (const proxy of party.routes.values() as Iterable<Proxy>) this.reset(proxy, reason, message)
    this.#flow.leave(party)
    this.#backlog.forget(party)
  }

  /** Something was sent to a session. */
  sent(session: Session): void {
    this.#backlog.note(session)
  }

  /** A session has asked for something. */
  asked(session: Session): void {
    this.#flow.asked(session)
  }

  /** A party has taken enough of what waited for it. */
  drained(party: Party): void {
    this.#flow.drained(party)
  }

  /** Looks at what waits: for a receiver's acceptance, for room, for a sign of life. */
  sweep(): void {
    const limit = this.#now() - this.#options.acceptTimeout
    for (const proxy of this.#unaccepted) {
      if (proxy.openedAt > limit) break
      // Alone, for a dial may be used one way only.
      this.#counters.reset('not accepted')
      this.drop(proxy)
      proxy.sender.sendError(proxy.stream, WIRE_ERRORS.streamNotAccepted)
      proxy.receiver.sendError(proxy.stream, WIRE_ERRORS.streamNotAccepted)
    }
    for (const proxy of this.#flow.overdue()) this.reset(proxy, 'held too long', WIRE_ERRORS.heldTooLong)
    this.#backlog.sweep()
    this.#reassure()
  }

  /** Decides upon a frame: it goes to the other end of its half, or nowhere. */
  route(from: Party, frame: StreamFrame): void {
    const proxy = from.routes.get(frame.stream) as Proxy | undefined // as above
    if (proxy === undefined) return this.#counters.drop('unknown stream')
    switch (frame.kind) {
      case 'bad chunk':
        return from === proxy.sender ? this.reset(proxy, 'payload', WIRE_ERRORS.notBinary) : this.#dropForeign()
      case 'accept':
        return from === proxy.receiver ? this.#accept(proxy, frame.window) : this.#dropForeign()
      case 'credit':
        return from === proxy.receiver ? this.#credit(proxy, frame.bytes) : this.#dropForeign()
      case 'error':
        // Whoever breaks a half while its dial is answered does not want the other either.
        if (frame.reason !== true) proxy.failure = frame.reason
        this.drop(proxy)
        return (from === proxy.sender ? proxy.receiver : proxy.sender).sendError(proxy.stream, frame.reason)
    }
  }

  /** The way of a chunk: from the sender's connection to the receiver's, as it came. */
  chunk(proxy: Proxy, from: Party, bytes: Buffer, offset: number): void {
    if (from !== proxy.sender) return this.#dropForeign()
    if (proxy.ended) return this.#counters.drop('unknown stream')
    if (!proxy.accepted) return this.reset(proxy, 'data before accept', WIRE_ERRORS.dataBeforeAccept)
    const size = bytes.length - offset
    if (!this.#flow.admits(proxy, size)) return this.reset(proxy, 'window exceeded', WIRE_ERRORS.windowExceeded)
    this.#counters.relayed.chunks++
    this.#counters.relayed.bytes += size
    proxy.bytes += size
    proxy.receiver.sendChunk(proxy.header, bytes, offset)
    if (!this.#flow.forwarded(proxy, size)) this.reset(proxy, 'receiver too slow', WIRE_ERRORS.receiverTooSlow)
  }

  #accept(proxy: Proxy, window: number | undefined): void {
    if (proxy.accepted) return this.#counters.drop('repeated accept')
    proxy.accepted = true
    this.#settle(proxy)
    proxy.sender.sendAccept(proxy.stream, this.#flow.accepted(proxy, window))
  }

  /** A half waits for its receiver no more. */
  #settle(proxy: Proxy): void {
    if (!this.#unaccepted.delete(proxy)) return
    const left = this.unacceptedOf(proxy.dialer) - 1
    if (left > 0) this.#unacceptedOf.set(proxy.dialer, left)
    else this.#unacceptedOf.delete(proxy.dialer)
  }

  #credit(proxy: Proxy, bytes: number): void {
    if (this.#flow.granted(proxy, bytes)) proxy.sender.sendCredit(proxy.stream, bytes)
  }

  /** A client whose pings or pongs cannot be heard gives up unless it is told something. */
  #reassure(): void {
    const now = this.#now()
    if (now - this.#reassuredAt < this.#options.pongInterval) return
    this.#reassuredAt = now
    for (const party of new Set([...this.#flow.takeHeld(), ...this.#backlog.sessions])) {
      party.reassure()
    }
  }

  #dropForeign(): void {
    this.#counters.drop('foreign stream')
  }
}
