import type { LinksOptions } from './options.js'

/** Milliseconds between attempts to reach a blocked node: usually, and after an envelope from that node has arrived. */
const RETRY_PAUSE = 250
const RETRY_PAUSE_HEARD = 50
/** A longer gap, in milliseconds, between two "no subscriber" replies means that Redis was unreachable. */
const REPLY_GAP_MAX = 1_000
/** Factor by which the time between two probes is longer for an idle link than for an active one. */
const IDLE_FACTOR = 5

/** Tracks whether the other side of a link is alive. All times are milliseconds of one clock. */
export class Liveness {
  readonly #options: LinksOptions
  /** Reason why only probes are sent. `unheard`: the last envelope had no subscriber. `away`: the carrier rejected it. */
  #blocked: 'unheard' | 'away' | undefined
  #blockedAt = 0
  /** Time of the last reply that confirmed the block. */
  #confirmedAt = 0
  #heardAt: number
  #probedAt: number
  /** Time of the last frame in either direction. */
  #usedAt: number
  /** Time of the first delivered probe that is still unanswered. */
  #unansweredSince: number | undefined

  constructor(options: LinksOptions, now: number) {
    this.#options = options
    this.#heardAt = this.#probedAt = this.#usedAt = now
  }

  get isBlocked(): boolean {
    return this.#blocked !== undefined
  }

  block(reason: 'unheard' | 'away', now: number): void {
    const silence = now - this.#confirmedAt
    this.#confirmedAt = now
    if (this.#blocked === reason) {
      // Redis was unreachable for this node and for the other one. The gap does not count.
      if (silence > REPLY_GAP_MAX) this.#blockedAt += silence
      return
    }
    this.#blocked = reason
    this.#blockedAt = now
    // Silence means nothing while no probe is delivered.
    this.#unansweredSince = undefined
  }

  unblock(): void {
    this.#blocked = undefined
  }

  heard(now: number): void {
    this.#heardAt = now
    this.#unansweredSince = undefined
  }

  used(now: number): void {
    this.#usedAt = now
  }

  probed(now: number): void {
    this.#probedAt = now
  }

  probeArrived(probedAt: number): void {
    if (this.#heardAt < probedAt) this.#unansweredSince ??= probedAt
  }

  /** Excludes a pause of this process from all timeouts. */
  excuse(pause: number): void {
    this.#blockedAt += pause
    this.#confirmedAt += pause
    if (this.#unansweredSince !== undefined) this.#unansweredSince += pause
  }

  /** Returns whether the other side has been unreachable or silent for too long. */
  isLost(now: number): boolean {
    const { unheardTimeout, awayTimeout, silenceTimeout } = this.#options
    const limit = this.#blocked === 'unheard' ? unheardTimeout : awayTimeout
    if (this.isBlocked && this.#confirmedAt - this.#blockedAt >= limit) return true
    return this.#unansweredSince !== undefined && now - this.#unansweredSince >= silenceTimeout
  }

  /** Returns whether to probe now. An answer contains the last number that the other side sent, and so reveals lost envelopes. */
  isProbeDue(now: number, hasUnacknowledged: boolean): boolean {
    const { silentAfter, silenceTimeout } = this.#options
    const sinceProbe = now - this.#probedAt
    if (this.isBlocked) return sinceProbe >= RETRY_PAUSE
    const isInUse = hasUnacknowledged || now - this.#usedAt < silenceTimeout
    return Math.min(sinceProbe, now - this.#heardAt) >= (isInUse ? silentAfter : silentAfter * IDLE_FACTOR)
  }

  /** Returns whether to probe a blocked node from which an envelope has just arrived: the node may be reachable again. */
  isRetryDue(now: number): boolean {
    return this.isBlocked && now - this.#probedAt >= RETRY_PAUSE_HEARD
  }
}
