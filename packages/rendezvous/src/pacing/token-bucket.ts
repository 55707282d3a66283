/** How many times their rate clients may do something at once. */
export const BURST = 4

/**
 * Limits how often something happens: `rate` times a second on average, `burst` times at once. Two numbers and no timer,
 * since every session has one.
 */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #refilledAt: number

  /** @param now - milliseconds, from any origin, as for {@link take} */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#refilledAt = now
  }

  /** Whether nothing has happened for so long that a new bucket would be no different. */
  isFull(now: number): boolean {
    return this.#tokens + ((now - this.#refilledAt) * this.#rate) / 1000 >= this.#burst
  }

  /**
   * @param count - how often it is to happen, at once
   * @returns false if it happens too often
   */
  take(now: number, count = 1): boolean {
    if (this.left(now) < count) return false
    this.#tokens -= count
    return true
  }

  /** How often it may happen now. Below 0 after {@link spend} went into debt. */
  left(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, now - this.#refilledAt) * this.#rate) / 1000)
    this.#refilledAt = now
    return this.#tokens
  }

  /** It has happened so often, whether or not that was too often. */
  spend(now: number, count: number): void {
    this.#tokens = this.left(now) - count
  }
}
