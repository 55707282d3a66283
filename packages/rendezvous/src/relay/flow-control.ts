import { CREDIT_MAX } from '@websocket-star/protocol'
import type { Counters, PauseReason } from '../stats.js'
import type { Session } from '../wire/session.js'
import type { Party } from './party.js'
import type { Proxy } from './proxy.js'

export interface FlowOptions {
  /** Bytes unsent to a legacy receiver above which those who send to it are held. */
  highWaterMark: number
  /** Bytes unsent to any receiver above which whoever sends to it is not read from. */
  sessionCeiling: number
  /** Milliseconds a sender may be held at a stretch. */
  holdTimeout: number
}

/** Bytes unsent to a client up to which its requests are answered: many small answers take far more memory than bytes. */
const ANSWERS_MAX = 262_144

/**
 * Keeps what waits for slow receivers bounded, without a queue of its own: a sender that knows windows gets credit, one
 * that does not is not read from. The rules are those of `docs/flow-control.md`.
 */
export class FlowControl {
  readonly #options: FlowOptions
  readonly #counters: Counters
  readonly #now: () => number
  /** The halves on whose account a sender is not read from. */
  readonly #holds = new Map<Party, Set<Proxy>>()
  /** The halves that wait until their receiver has taken more. */
  readonly #waiting = new Map<Party, Set<Proxy>>()

  /** Halves whose sender is to be told of credit once it has read what waits for it. */
  readonly #untold = new Map<Party, Set<Proxy>>()
  /** Those of them that are not read from until they have read what they asked for. */
  readonly #deaf = new Set<Party>()
  /** Who was not read from at any time since this was last asked. */
  #heldLately = new Set<Party>()

  constructor(options: FlowOptions, counters: Counters, now: () => number) {
    this.#options = options
    this.#counters = counters
    this.#now = now
  }

  /** Parties that are not read from now. */
  get held(): ReadonlySet<Party> {
    return new Set([...this.#holds.keys(), ...this.#deaf])
  }

  /** Who was not read from at any time since the last call. */
  takeHeld(): ReadonlySet<Party> {
    const held = this.#heldLately
    this.#heldLately = new Set([...this.#holds.keys(), ...this.#deaf])
    return held
  }

  /** A client has asked for something: as long as it does not read the answers, it is not read from. */
  asked(session: Session): void {
    if (session.buffered <= ANSWERS_MAX || session.ended || this.#deaf.has(session)) return
    this.#deaf.add(session)
    session.onDrain(ANSWERS_MAX)
    this.#pause(session, 'answers')
  }

  /** A party is gone. */
  leave(party: Party): void {
    this.#deaf.delete(party)
    this.#heldLately.delete(party)
    this.#waiting.delete(party)
    this.#untold.delete(party)
  }

  /**
   * The receiver is ready.
   *
   * @param window - payload bytes it takes, if it said so
   * @returns the window to tell the sender of, if it is to be told of any
   */
  accepted(proxy: Proxy, window: number | undefined): number | undefined {
    const { sender } = proxy
    if (window === undefined && sender.extended) {
      proxy.isServerWindow = true
      proxy.credit = this.#options.highWaterMark
      return proxy.credit
    }
    proxy.credit = window
    if (window === 0 && !sender.extended) this.#hold(proxy, 'window')
    return sender.extended ? window : undefined
  }

  /**
   * The receiver takes more.
   *
   * @returns whether the sender is to be told
   */
  granted(proxy: Proxy, bytes: number): boolean {
    if (proxy.credit === undefined || proxy.isServerWindow) {
      this.#counters.drop('credit without window')
      return false
    }
    proxy.credit = Math.min(proxy.credit + bytes, Number.MAX_SAFE_INTEGER)
    if (proxy.sender.extended) return this.#mayTell(proxy, bytes)
    if (proxy.credit > 0) this.#release(proxy)
    return false
  }

  /** Whether a sender that knows windows keeps to this one's. */
  admits(proxy: Proxy, bytes: number): boolean {
    return proxy.credit === undefined || bytes <= proxy.credit || !proxy.sender.extended
  }

  /**
   * A chunk was passed on.
   *
   * @returns false if the sender can neither be held nor asked to wait, and the receiver cannot take more
   */
  forwarded(proxy: Proxy, bytes: number): boolean {
    const { sender, receiver } = proxy
    const { buffered } = receiver
    if (proxy.credit !== undefined) proxy.credit -= bytes
    if (proxy.isServerWindow) this.#regrant(proxy, bytes, buffered)
    else if (!sender.extended && proxy.credit !== undefined && proxy.credit <= 0) this.#hold(proxy, 'window')
    else if (!sender.extended && proxy.credit === undefined && buffered > this.#options.highWaterMark) {
      this.#awaitDrain(proxy)
      this.#hold(proxy, 'receiver')
    }
    if (buffered <= Math.max(this.#options.sessionCeiling, this.#options.highWaterMark)) return true
    if (sender.polling) return false
    this.#awaitDrain(proxy)
    this.#hold(proxy, 'ceiling')
    return true
  }

  /** A party has taken enough of what waited for it. */
  drained(receiver: Party): void {
    if (this.#deaf.delete(receiver)) this.#unpause(receiver)
    for (const proxy of this.#untold.get(receiver) ?? []) {
      if (!proxy.ended) receiver.sendCredit(proxy.stream, proxy.untold)
      proxy.untold = 0
    }
    this.#untold.delete(receiver)
    const waiting = this.#waiting.get(receiver)
    if (waiting === undefined) return
    this.#waiting.delete(receiver)
    for (const proxy of waiting) {
      if (proxy.isServerWindow) this.#grantOwed(proxy)
      if (proxy.credit === undefined || proxy.credit > 0 || proxy.sender.extended) this.#release(proxy)
    }
  }

  /** A half has ended: it holds nobody any more. */
  forget(proxy: Proxy): void {
    this.#release(proxy)
    const waiting = this.#waiting.get(proxy.receiver)
    waiting?.delete(proxy)
    if (waiting?.size === 0) this.#waiting.delete(proxy.receiver)
  }

  /** The halves that have held their sender for too long. */
  overdue(): Proxy[] {
    const limit = this.#now() - this.#options.holdTimeout
    return [...this.#holds.values()].flatMap((proxies) =>
      [...proxies].filter(({ heldSince }) => heldSince !== undefined && heldSince <= limit)
    )
  }

  /** Whether a sender can be told of credit now: else it is added up, for it reads slowly. */
  #mayTell(proxy: Proxy, bytes: number): boolean {
    const { sender } = proxy
    if (proxy.untold === 0 && sender.buffered <= ANSWERS_MAX) return true
    proxy.untold = Math.min(proxy.untold + bytes, CREDIT_MAX)
    const untold = this.#untold.get(sender)
    if (untold === undefined) {
      this.#untold.set(sender, new Set([proxy]))
      sender.onDrain(ANSWERS_MAX)
    } else untold.add(proxy)
    return false
  }

  #regrant(proxy: Proxy, bytes: number, buffered: number): void {
    proxy.owed += bytes
    if (buffered > this.#options.highWaterMark) this.#awaitDrain(proxy)
    else if (proxy.owed >= this.#options.highWaterMark / 4) this.#grantOwed(proxy)
  }

  #grantOwed(proxy: Proxy): void {
    if (proxy.owed === 0 || proxy.credit === undefined) return
    proxy.credit += proxy.owed
    proxy.sender.sendCredit(proxy.stream, proxy.owed)
    proxy.owed = 0
  }

  #awaitDrain(proxy: Proxy): void {
    const { receiver } = proxy
    const waiting = this.#waiting.get(receiver)
    if (waiting !== undefined) {
      waiting.add(proxy)
      return
    }
    this.#waiting.set(receiver, new Set([proxy]))
    receiver.onDrain(this.#options.highWaterMark)
  }

  #hold(proxy: Proxy, reason: PauseReason): void {
    if (proxy.heldSince !== undefined) return
    proxy.heldSince = this.#now()
    const holds = this.#holds.get(proxy.sender)
    if (holds !== undefined) {
      holds.add(proxy)
      return
    }
    this.#holds.set(proxy.sender, new Set([proxy]))
    this.#pause(proxy.sender, reason)
  }

  #pause(party: Party, reason: PauseReason): void {
    this.#counters.pause(reason)
    this.#heldLately.add(party)
    party.pause()
  }

  #unpause(party: Party): void {
    if (!this.#holds.has(party) && !this.#deaf.has(party)) party.resume()
  }

  #release(proxy: Proxy): void {
    if (proxy.heldSince === undefined) return
    proxy.heldSince = undefined
    const holds = this.#holds.get(proxy.sender)
    holds?.delete(proxy)
    if (holds?.size !== 0) return
    this.#holds.delete(proxy.sender)
    this.#unpause(proxy.sender)
  }
}
