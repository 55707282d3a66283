export interface BackoffOptions {
  /** Average pause before the first retry, in milliseconds. Default 500. */
  initial?: number
  /** Longest average pause, in milliseconds. Default 30,000. */
  max?: number
}

/** Ratio of a pause to the one before: small, so that clients return within seconds after a short outage. */
const GROWTH = 1.5

/** Exponentially growing pauses between attempts, randomised so that clients do not retry all at once. */
export class Backoff {
  readonly #initial: number
  readonly #max: number
  readonly #random: () => number
  #attempts = 0

  constructor({ initial = 500, max = 30_000 }: BackoffOptions = {}, random: () => number = Math.random) {
    this.#initial = initial
    this.#max = max
    this.#random = random
  }

  /** Attempts since the last success. */
  get attempts(): number {
    return this.#attempts
  }

  /** @returns milliseconds, from half to one and a half times the average pause */
  next(): number {
    const average = Math.min(this.#initial * GROWTH ** this.#attempts++, this.#max)
    return average * (0.5 + this.#random())
  }

  reset(): void {
    this.#attempts = 0
  }
}
