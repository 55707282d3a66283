import { CREDIT_MAX } from '@websocket-star/protocol'
import type { Counters, PauseReason } from '../stats.js'
import type { Endpoint } from './endpoint.js'
import type { Half } from './half.js'

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

/** Bytes that may be queued for any client, whatever is queued for others of its address. */
const ALWAYS_ALLOWED = 65_536

/**
 * Keeps what waits for slow receivers bounded, without a queue of its own: a sender that knows windows gets credit, one
 * that does not is not read from. The rules are those of `docs/flow-control.md`.
 */
export class FlowControl {
  readonly #options: FlowOptions
  /** Bytes that may be queued for a client, if not too much is queued for its address; and in any case. */
  readonly #ceiling: number
  readonly #alwaysAllowed: number
  readonly #counters: Counters
  readonly #now: () => number
  /** The halves on whose account a sender is not read from. */
  readonly #holds = new Map<Endpoint, Set<Half>>()
  /** The halves that wait until their receiver has taken more. */
  readonly #waiting = new Map<Endpoint, Set<Half>>()

  /** Halves whose sender is to be told of credit once it has read what waits for it. */
  readonly #untold = new Map<Endpoint, Set<Half>>()
  /** Those of them that are not read from until they have read what they asked for. */
  readonly #deaf = new Set<Endpoint>()
  /** Who was not read from at any time since this was last asked. */
  #heldLately = new Set<Endpoint>()

  constructor(options: FlowOptions, counters: Counters, now: () => number) {
    this.#options = options
    this.#ceiling = Math.max(options.sessionCeiling, options.highWaterMark)
    this.#alwaysAllowed = Math.min(ALWAYS_ALLOWED, this.#ceiling)
    this.#counters = counters
    this.#now = now
  }

  /** Endpoints that are not read from now. */
  get held(): ReadonlySet<Endpoint> {
    return new Set([...this.#holds.keys(), ...this.#deaf])
  }

  /** Who was not read from at any time since the last call. */
  takeHeld(): ReadonlySet<Endpoint> {
    const held = this.#heldLately
    this.#heldLately = new Set([...this.#holds.keys(), ...this.#deaf])
    return held
  }

  /** A client has asked for something: as long as it does not read the answers, it is not read from. */
  asked(client: Endpoint): void {
    if (client.buffered <= ANSWERS_MAX || client.ended || this.#deaf.has(client)) return
    this.#deaf.add(client)
    client.onDrain(ANSWERS_MAX)
    this.#pause(client, 'answers')
  }

  /** Forgets an endpoint that has gone. */
  leave(endpoint: Endpoint): void {
    this.#deaf.delete(endpoint)
    this.#heldLately.delete(endpoint)
    this.#waiting.delete(endpoint)
    this.#untold.delete(endpoint)
  }

  /**
   * The receiver is ready.
   *
   * @param window - payload bytes it takes, if it said so
   * @returns the window to tell the sender of, if it is to be told of any
   */
  accepted(half: Half, window: number | undefined): number | undefined {
    const { sender } = half
    if (window === undefined && sender.extended) {
      half.isServerWindow = true
      half.credit = this.#options.highWaterMark
      return half.credit
    }
    half.credit = window
    if (window === 0 && !sender.extended) this.#hold(half, 'window')
    return sender.extended ? window : undefined
  }

  /**
   * The receiver takes more.
   *
   * @returns whether the sender is to be told
   */
  granted(half: Half, bytes: number): boolean {
    if (half.credit === undefined || half.isServerWindow) {
      this.#counters.drop('credit without window')
      return false
    }
    half.credit = Math.min(half.credit + bytes, Number.MAX_SAFE_INTEGER)
    if (half.sender.extended) return this.#mayTell(half, bytes)
    if (half.credit > 0) this.#release(half)
    return false
  }

  /** Whether a sender that knows windows keeps to this one's. */
  admits(half: Half, bytes: number): boolean {
    return half.credit === undefined || bytes <= half.credit || !half.sender.extended
  }

  /**
   * A chunk was passed on.
   *
   * @returns false if the sender can neither be held nor asked to wait, and the receiver cannot take more
   */
  forwarded(half: Half, bytes: number): boolean {
    const { sender, receiver } = half
    const { buffered } = receiver
    if (half.credit !== undefined) half.credit -= bytes
    if (half.isServerWindow) this.#regrant(half, bytes, buffered)
    else if (!sender.extended && half.credit !== undefined && half.credit <= 0) this.#hold(half, 'window')
    else if (!sender.extended && half.credit === undefined && buffered > this.#options.highWaterMark) {
      this.#awaitDrain(half)
      this.#hold(half, 'receiver')
    }
    if (buffered <= this.#alwaysAllowed || buffered <= receiver.allowance(this.#ceiling)) return true
    if (!sender.isPausable) return false
    this.#awaitDrain(half)
    this.#hold(half, 'ceiling')
    return true
  }

  /** An endpoint has taken enough of what was queued for it. */
  drained(receiver: Endpoint): void {
    if (this.#deaf.delete(receiver)) this.#unpause(receiver)
    for (const half of this.#untold.get(receiver) ?? []) {
      if (!half.ended) receiver.sendCredit(half.stream, half.untold)
      half.untold = 0
    }
    this.#untold.delete(receiver)
    const waiting = this.#waiting.get(receiver)
    if (waiting === undefined) return
    this.#waiting.delete(receiver)
    for (const half of waiting) {
      if (half.isServerWindow) this.#grantOwed(half)
      if (half.credit === undefined || half.credit > 0 || half.sender.extended) this.#release(half)
    }
  }

  /** A half has ended: it holds nobody any more. */
  forget(half: Half): void {
    this.#release(half)
    const waiting = this.#waiting.get(half.receiver)
    waiting?.delete(half)
    if (waiting?.size === 0) this.#waiting.delete(half.receiver)
  }

  /** The halves that have held their sender for too long. */
  overdue(): Half[] {
    const limit = this.#now() - this.#options.holdTimeout
    return [...this.#holds.values()].flatMap((halves) =>
      [...halves].filter(({ heldSince }) => heldSince !== undefined && heldSince <= limit)
    )
  }

  /** Whether a sender can be told of credit now: else it is added up, for it reads slowly. */
  #mayTell(half: Half, bytes: number): boolean {
    const { sender } = half
    if (half.untold === 0 && sender.buffered <= ANSWERS_MAX) return true
    half.untold = Math.min(half.untold + bytes, CREDIT_MAX)
    const untold = this.#untold.get(sender)
    if (untold === undefined) {
      this.#untold.set(sender, new Set([half]))
      sender.onDrain(ANSWERS_MAX)
    } else untold.add(half)
    return false
  }

  #regrant(half: Half, bytes: number, buffered: number): void {
    half.owed += bytes
    if (buffered > this.#options.highWaterMark) this.#awaitDrain(half)
    else if (half.owed >= this.#options.highWaterMark / 4) this.#grantOwed(half)
  }

  #grantOwed(half: Half): void {
    if (half.owed === 0 || half.credit === undefined) return
    half.credit += half.owed
    half.sender.sendCredit(half.stream, half.owed)
    half.owed = 0
  }

  #awaitDrain(half: Half): void {
    const { receiver } = half
    const waiting = this.#waiting.get(receiver)
    if (waiting !== undefined) {
      waiting.add(half)
      return
    }
    this.#waiting.set(receiver, new Set([half]))
    receiver.onDrain(this.#options.highWaterMark)
  }

  #hold(half: Half, reason: PauseReason): void {
    if (half.heldSince !== undefined) return
    half.heldSince = this.#now()
    const holds = this.#holds.get(half.sender)
    if (holds !== undefined) {
      holds.add(half)
      return
    }
    this.#holds.set(half.sender, new Set([half]))
    this.#pause(half.sender, reason)
  }

  #pause(endpoint: Endpoint, reason: PauseReason): void {
    this.#counters.pause(reason)
    this.#heldLately.add(endpoint)
    endpoint.pause()
  }

  #unpause(endpoint: Endpoint): void {
    if (!this.#holds.has(endpoint) && !this.#deaf.has(endpoint)) endpoint.resume()
  }

  #release(half: Half): void {
    if (half.heldSince === undefined) return
    half.heldSince = undefined
    const holds = this.#holds.get(half.sender)
    holds?.delete(half)
    if (holds?.size !== 0) return
    this.#holds.delete(half.sender)
    this.#unpause(half.sender)
  }
}
