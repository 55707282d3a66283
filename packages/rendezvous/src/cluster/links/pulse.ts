import type { LinksOptions } from './options.js'

/** Milliseconds after which a node that could not be reached is tried again, and the same if it was heard of. */
const RETRY_PAUSE = 250
const RETRY_PAUSE_HEARD = 50
/** Milliseconds between two answers that nobody listens, beyond which there was nobody to answer. */
const ANSWER_LATE = 1_000
/** A link that is not in use is probed so many times less often. */
const IDLE_FACTOR = 5

/** Signs of life of the other side of a link. Times are in milliseconds of one clock. */
export class Pulse {
  readonly #options: LinksOptions
  /** Nobody listened to the last envelope, or the carrier did not take it. */
  #blocked: 'unheard' | 'away' | undefined
  #blockedAt = 0
  /** When it was last said so. */
  #confirmedAt = 0
  #heardAt: number
  #probedAt: number
  /** When frames last went out or came. */
  #usedAt: number
  /** When the first probe reached the other side that was not answered. */
  #unansweredSince: number | undefined

  constructor(options: LinksOptions, now: number) {
    this.#options = options
    this.#heardAt = this.#probedAt = this.#usedAt = now
  }

  /** Only probes make sense now. */
  get isBlocked(): boolean {
    return this.#blocked !== undefined
  }

  block(reason: 'unheard' | 'away', now: number): void {
    const silence = now - this.#confirmedAt
    this.#confirmedAt = now
    if (this.#blocked === reason) {
      // Others may have wanted to listen, and could not either.
      if (silence > ANSWER_LATE) this.#blockedAt += silence
      return
    }
    this.#blocked = reason
    this.#blockedAt = now
    // A silence while nothing reaches the other side means nothing.
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

  /** A probe of that time has reached the other side. */
  probeArrived(probedAt: number): void {
    if (this.#heardAt < probedAt) this.#unansweredSince ??= probedAt
  }

  /** Nobody could look for so long. */
  pardon(pause: number): void {
    this.#blockedAt += pause
    this.#confirmedAt += pause
    if (this.#unansweredSince !== undefined) this.#unansweredSince += pause
  }

  /** There has been no sign of life for too long. */
  isLost(now: number): boolean {
    const { unheardTimeout, awayTimeout, silenceTimeout } = this.#options
    const limit = this.#blocked === 'unheard' ? unheardTimeout : awayTimeout
    if (this.isBlocked && this.#confirmedAt - this.#blockedAt >= limit) return true
    return this.#unansweredSince !== undefined && now - this.#unansweredSince >= silenceTimeout
  }

  /**
   * Whether to probe now. Whatever is heard is answered, and the answer says what was sent: so it is silence only that may
   * hide a loss.
   *
   * @param isWaiting - something is not acknowledged
   */
  isProbeDue(now: number, isWaiting: boolean): boolean {
    const { silentAfter, silenceTimeout } = this.#options
    const sinceProbe = now - this.#probedAt
    if (this.isBlocked) return sinceProbe >= RETRY_PAUSE
    const isInUse = isWaiting || now - this.#usedAt < silenceTimeout
    return Math.min(sinceProbe, now - this.#heardAt) >= (isInUse ? silentAfter : silentAfter * IDLE_FACTOR)
  }

  /** The other side is heard although it could not be reached: it may be reached again. */
  isRetryDue(now: number): boolean {
    return this.isBlocked && now - this.#probedAt >= RETRY_PAUSE_HEARD
  }
}
