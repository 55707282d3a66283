export interface BackoffOptions {
  /** Milliseconds before the first retry, on average. Default 500. */
  initial?: number
  /** At most. Default 30,000. */
  max?: number
}

/** How much longer each pause is: clients of a server that was away for a moment are to be back in a few. */
const GROWTH = 1.5

/** How long to wait before the next attempt: longer each time, and never the same for two clients. */
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

  /** @returns milliseconds, from half of what it is on average to one and a half times that */
  next(): number {
    const average = Math.min(this.#initial * GROWTH ** this.#attempts++, this.#max)
    return average * (0.5 + this.#random())
  }

  reset(): void {
    this.#attempts = 0
  }
}
