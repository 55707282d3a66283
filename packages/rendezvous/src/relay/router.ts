import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { Counters, ResetReason } from '../stats.js'
import type { Session } from '../wire/session.js'
import type { StreamFrame } from '../wire/stream-frame.js'
import type { Proxy } from './proxy.js'

export interface RouterOptions {
  /** Stream halves that one session may have open. */
  streamsPerSession: number
  /** Milliseconds that a half may wait for its receiver. */
  acceptTimeout: number
}

/**
 * Passes the frames of stream halves between their two parties. Names on the wire carry no peer, so a name is unique
 * per session, and only a half's sender may send chunks, only its receiver acceptance and credit, and either its end.
 */
export class Router {
  readonly #options: RouterOptions
  readonly #counters: Counters
  readonly #now: () => number
  /** The halves of each session, by name, whichever end of them it is. */
  readonly #streams = new Map<Session, Map<string, Proxy>>()
  /** Halves that wait for their receiver, oldest first. */
  readonly #unaccepted = new Set<Proxy>()
  #size = 0

  constructor(options: RouterOptions, counters: Counters, now: () => number = Date.now) {
    this.#options = options
    this.#counters = counters
    this.#now = now
  }

  /** Stream halves open now. */
  get size(): number {
    return this.#size
  }

  streamsOf(session: Session): number {
    return this.#streams.get(session)?.size ?? 0
  }

  /** Whether a session is an end of a half of that name. */
  has(session: Session, stream: string): boolean {
    return this.#streams.get(session)?.has(stream) ?? false
  }

  /** Whether a session may be an end of `more` halves besides those it has. */
  hasRoom(session: Session, more: number): boolean {
    return this.streamsOf(session) + more <= this.#options.streamsPerSession
  }

  /** Opens a half whose name is free at both ends; from now on its receiver may accept it. */
  open(stream: string, sender: Session, receiver: Session, partner?: Proxy): Proxy {
    const proxy: Proxy = {
      stream,
      sender,
      receiver,
      partner,
      openedAt: this.#now(),
      accepted: false,
      ended: false,
      failure: undefined
    }
    if (partner !== undefined) partner.partner = proxy
    this.#mapOf(sender).set(stream, proxy)
    this.#mapOf(receiver).set(stream, proxy)
    this.#unaccepted.add(proxy)
    this.#size++
    return proxy
  }

  /** Ends a half without a word to either end. */
  drop(proxy: Proxy): void {
    if (proxy.ended) return
    proxy.ended = true
    this.#forget(proxy.sender, proxy.stream)
    this.#forget(proxy.receiver, proxy.stream)
    this.#unaccepted.delete(proxy)
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

  /** A session has gone: every dial it was part of ends. */
  detach(session: Session): void {
    const streams = this.#streams.get(session)
    if (streams === undefined) return
    for (const proxy of streams.values()) this.reset(proxy, 'peer left', WIRE_ERRORS.peerLeft)
    this.#streams.delete(session)
  }

  /** Ends every half that has waited too long for its receiver: alone, for a dial may be used one way only. */
  sweep(): void {
    const limit = this.#now() - this.#options.acceptTimeout
    for (const proxy of this.#unaccepted) {
      if (proxy.openedAt > limit) return
      this.#counters.reset('not accepted')
      this.drop(proxy)
      proxy.sender.sendError(proxy.stream, WIRE_ERRORS.streamNotAccepted)
    }
  }

  /** Decides upon a frame: it goes to the other end of its half, or nowhere. */
  route(from: Session, frame: StreamFrame): void {
    const proxy = this.#streams.get(from)?.get(frame.stream)
    if (proxy === undefined) return this.#counters.drop('unknown stream')
    switch (frame.kind) {
      case 'queue':
        return from === proxy.sender ? this.#chunk(proxy, frame.payload) : this.#dropForeign()
      case 'accept':
        return from === proxy.receiver ? this.#accept(proxy, frame.window) : this.#dropForeign()
      case 'credit':
        return from === proxy.receiver ? proxy.sender.sendCredit(proxy.stream, frame.bytes) : this.#dropForeign()
      case 'error':
        this.drop(proxy)
        return (from === proxy.sender ? proxy.receiver : proxy.sender).sendError(proxy.stream, frame.reason)
    }
  }

  #chunk(proxy: Proxy, payload: Buffer | undefined): void {
    if (payload === undefined) return this.reset(proxy, 'payload', WIRE_ERRORS.notBinary)
    if (!proxy.accepted) return this.reset(proxy, 'data before accept', WIRE_ERRORS.dataBeforeAccept)
    this.#counters.relayed.chunks++
    this.#counters.relayed.bytes += payload.length
    proxy.receiver.sendChunk(proxy.stream, payload)
  }

  #accept(proxy: Proxy, window: number | undefined): void {
    if (proxy.accepted) return this.#counters.drop('repeated accept')
    proxy.accepted = true
    this.#unaccepted.delete(proxy)
    proxy.sender.sendAccept(proxy.stream, window)
  }

  #dropForeign(): void {
    this.#counters.drop('foreign stream')
  }

  #mapOf(session: Session): Map<string, Proxy> {
    let streams = this.#streams.get(session)
    if (streams === undefined) this.#streams.set(session, (streams = new Map()))
    return streams
  }

  #forget(session: Session, stream: string): void {
    const streams = this.#streams.get(session)
    streams?.delete(stream)
    if (streams?.size === 0) this.#streams.delete(session)
  }
}
