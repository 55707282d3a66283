/**
 * Limits how often something happens: `rate` times a second on average, `burst` times at once. Two numbers and no timer,
 * since every session has one.
 */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #filledAt: number

  /** @param now - milliseconds, from any origin, as for {@link take} */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#filledAt = now
  }

  /** Whether nothing has happened for so long that a new bucket would be no different. */
  isFull(now: number): boolean {
    return this.#tokens + ((now - this.#filledAt) * this.#rate) / 1000 >= this.#burst
  }

  /** @returns false if it happens too often */
  take(now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (Math.max(0, now - this.#filledAt) * this.#rate) / 1000)
    this.#filledAt = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
