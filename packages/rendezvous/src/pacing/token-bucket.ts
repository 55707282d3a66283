/** Seconds of their rate that clients may use at once. */
export const BURST = 4

/** Limits a rate: `rate` tokens per second, `burst` at once. It has no timer, because every session has buckets. */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #refilledAt: number

  /** @param now - milliseconds from any origin, as for {@link take} */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#refilledAt = now
  }

  /** Returns whether a new bucket would behave the same. */
  isFull(now: number): boolean {
    return this.#tokens + ((now - this.#refilledAt) * this.#rate) / 1000 >= this.#burst
  }

  /** Takes `count` tokens. @returns false if too few are left; none are taken then */
  take(now: number, count = 1): boolean {
    if (this.left(now) < count) return false
    this.#tokens -= count
    return true
  }

  /** Returns the tokens left; below 0 after {@link spend} went into debt. */
  left(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, now - this.#refilledAt) * this.#rate) / 1000)
    this.#refilledAt = now
    return this.#tokens
  }

  /** Takes tokens, going into debt if too few are left. */
  spend(now: number, count: number): void {
    this.#tokens = this.left(now) - count
  }
}
