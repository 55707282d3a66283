import { CREDIT_MAX } from '@websocket-star/protocol'
import type { Counters, PauseReason } from '../stats.js'
import type { Endpoint } from './endpoint.js'
import type { Half } from './half.js'

export interface FlowOptions {
  /** Bytes queued for a legacy receiver above which its senders are paused. */
  highWaterMark: number
  /** Bytes queued for any receiver above which its senders are paused. */
  sessionCeiling: number
  /** Milliseconds that a half may pause its sender without a break. */
  pauseTimeout: number
}

/** Backlog above which a client is paused if it sends a request. Small replies take far more memory than their bytes. */
const REPLIES_MAX = 262_144

/** Backlog up to which senders are never paused for the ceiling, even if the client's IP address has too much queued. */
const ALWAYS_ALLOWED = 65_536

/**
 * Bounds the backlogs of slow receivers. It has no queue: extended senders get credit, legacy senders are paused.
 * `docs/flow-control.md` has the rules.
 */
export class FlowControl {
  readonly #options: FlowOptions
  /** Backlog of any receiver above which its senders are paused, while its IP address has little queued. */
  readonly #ceiling: number
  readonly #alwaysAllowed: number
  readonly #counters: Counters
  readonly #now: () => number
  /** The halves that pause each sender. */
  readonly #pausedBy = new Map<Endpoint, Set<Half>>()
  /** Halves whose sender resumes when the receiver's backlog has drained. */
  readonly #awaitingDrain = new Map<Endpoint, Set<Half>>()
  /** Halves whose sender gets deferred credit when the sender's own backlog has drained. */
  readonly #deferredCredits = new Map<Endpoint, Set<Half>>()
  readonly #pausedForReplies = new Set<Endpoint>()
  #recentlyPaused = new Set<Endpoint>()

  constructor(options: FlowOptions, counters: Counters, now: () => number) {
    this.#options = options
    this.#ceiling = Math.max(options.sessionCeiling, options.highWaterMark)
    this.#alwaysAllowed = Math.min(ALWAYS_ALLOWED, this.#ceiling)
    this.#counters = counters
    this.#now = now
  }

  get paused(): ReadonlySet<Endpoint> {
    return new Set([...this.#pausedBy.keys(), ...this.#pausedForReplies])
  }

  /** Returns the endpoints that were paused at any time since the last call. */
  takePaused(): ReadonlySet<Endpoint> {
    const paused = this.#recentlyPaused
    this.#recentlyPaused = new Set([...this.#pausedBy.keys(), ...this.#pausedForReplies])
    return paused
  }

  /** Pauses a client that makes requests without reading the replies. */
  requested(client: Endpoint): void {
    if (client.buffered <= REPLIES_MAX || client.ended || this.#pausedForReplies.has(client)) return
    this.#pausedForReplies.add(client)
    client.onDrain(REPLIES_MAX)
    this.#pause(client, 'answers')
  }

  leave(endpoint: Endpoint): void {
    this.#pausedForReplies.delete(endpoint)
    this.#recentlyPaused.delete(endpoint)
    this.#awaitingDrain.delete(endpoint)
    this.#deferredCredits.delete(endpoint)
  }

  /** Sets the credit of an accepted half. @returns the window to send to the sender, if any */
  accepted(half: Half, window: number | undefined): number | undefined {
    const { sender } = half
    if (window === undefined && sender.extended) {
      half.isServerWindow = true
      half.credit = this.#options.highWaterMark
      return half.credit
    }
    half.credit = window
    if (window === 0 && !sender.extended) this.#pauseSender(half, 'window')
    return sender.extended ? window : undefined
  }

  /** Adds credit that the receiver has granted. @returns whether to forward the credit to the sender now */
  granted(half: Half, bytes: number): boolean {
    if (half.credit === undefined || half.isServerWindow) {
      this.#counters.drop('credit without window')
      return false
    }
    half.credit = Math.min(half.credit + bytes, Number.MAX_SAFE_INTEGER)
    if (half.sender.extended) return this.#mayForwardCredit(half, bytes)
    if (half.credit > 0) this.#resumeSender(half)
    return false
  }

  /** Returns whether the credit covers a chunk. Chunks of legacy senders are always admitted. */
  admits(half: Half, bytes: number): boolean {
    return half.credit === undefined || bytes <= half.credit || !half.sender.extended
  }

  /** Counts a relayed chunk. @returns false if the receiver's backlog is too large and the sender cannot be paused */
  forwarded(half: Half, bytes: number): boolean {
    const { sender, receiver } = half
    const { buffered } = receiver
    if (half.credit !== undefined) half.credit -= bytes
    if (half.isServerWindow) this.#countServerWindow(half, bytes, buffered)
    else if (!sender.extended && half.credit !== undefined && half.credit <= 0) this.#pauseSender(half, 'window')
    else if (!sender.extended && half.credit === undefined && buffered > this.#options.highWaterMark) {
      this.#awaitDrain(half)
      this.#pauseSender(half, 'receiver')
    }
    if (buffered <= this.#alwaysAllowed || buffered <= receiver.allowance(this.#ceiling)) return true
    if (!sender.isPausable) return false
    this.#awaitDrain(half)
    this.#pauseSender(half, 'ceiling')
    return true
  }

  /** Handles a drained backlog: resumes the senders to this endpoint, and sends deferred credit to it. */
  drained(receiver: Endpoint): void {
    if (this.#pausedForReplies.delete(receiver)) this.#resume(receiver)
    for (const half of this.#deferredCredits.get(receiver) ?? []) {
      if (!half.ended) receiver.sendCredit(half.stream, half.deferredCredit)
      half.deferredCredit = 0
    }
    this.#deferredCredits.delete(receiver)
    const halves = this.#awaitingDrain.get(receiver)
    if (halves === undefined) return
    this.#awaitingDrain.delete(receiver)
    for (const half of halves) {
      if (half.isServerWindow) this.#replenish(half)
      if (half.credit === undefined || half.credit > 0 || half.sender.extended) this.#resumeSender(half)
    }
  }

  forget(half: Half): void {
    this.#resumeSender(half)
    const halves = this.#awaitingDrain.get(half.receiver)
    halves?.delete(half)
    if (halves?.size === 0) this.#awaitingDrain.delete(half.receiver)
  }

  overdue(): Half[] {
    const limit = this.#now() - this.#options.pauseTimeout
    return [...this.#pausedBy.values()].flatMap((halves) =>
      [...halves].filter(({ pausedSince }) => pausedSince !== undefined && pausedSince <= limit)
    )
  }

  /** Returns whether to send credit to the sender now. If not, the credit is deferred until the sender has read its backlog. */
  #mayForwardCredit(half: Half, bytes: number): boolean {
    const { sender } = half
    if (half.deferredCredit === 0 && sender.buffered <= REPLIES_MAX) return true
    half.deferredCredit = Math.min(half.deferredCredit + bytes, CREDIT_MAX)
    const halves = this.#deferredCredits.get(sender)
    if (halves === undefined) {
      this.#deferredCredits.set(sender, new Set([half]))
      sender.onDrain(REPLIES_MAX)
    } else halves.add(half)
    return false
  }

  #countServerWindow(half: Half, bytes: number, buffered: number): void {
    half.unreplenished += bytes
    if (buffered > this.#options.highWaterMark) this.#awaitDrain(half)
    else if (half.unreplenished >= this.#options.highWaterMark / 4) this.#replenish(half)
  }

  #replenish(half: Half): void {
    if (half.unreplenished === 0 || half.credit === undefined) return
    half.credit += half.unreplenished
    half.sender.sendCredit(half.stream, half.unreplenished)
    half.unreplenished = 0
  }

  #awaitDrain(half: Half): void {
    const { receiver } = half
    const halves = this.#awaitingDrain.get(receiver)
    if (halves !== undefined) {
      halves.add(half)
      return
    }
    this.#awaitingDrain.set(receiver, new Set([half]))
    receiver.onDrain(this.#options.highWaterMark)
  }

  #pauseSender(half: Half, reason: PauseReason): void {
    if (half.pausedSince !== undefined) return
    half.pausedSince = this.#now()
    const halves = this.#pausedBy.get(half.sender)
    if (halves !== undefined) {
      halves.add(half)
      return
    }
    this.#pausedBy.set(half.sender, new Set([half]))
    this.#pause(half.sender, reason)
  }

  #pause(endpoint: Endpoint, reason: PauseReason): void {
    this.#counters.pause(reason)
    this.#recentlyPaused.add(endpoint)
    endpoint.pause()
  }

  #resume(endpoint: Endpoint): void {
    if (!this.#pausedBy.has(endpoint) && !this.#pausedForReplies.has(endpoint)) endpoint.resume()
  }

  #resumeSender(half: Half): void {
    if (half.pausedSince === undefined) return
    half.pausedSince = undefined
    const halves = this.#pausedBy.get(half.sender)
    halves?.delete(half)
    if (halves?.size !== 0) return
    this.#pausedBy.delete(half.sender)
    this.#resume(half.sender)
  }
}
