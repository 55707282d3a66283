import { ascending, percentile } from '../../../bench/src/report/percentile.js'

/** How long messages took from when they were written, in milliseconds. */
export interface DelayFigures {
  readonly p50: number
  readonly p99: number
  readonly longest: number
  readonly messages: number
  /** Those that have not arrived; they count with the time they have taken so far. */
  readonly missing: number
}

export class Delays {
  readonly #sentAt: number[] = []
  readonly #took: number[] = []
  /** The first message that counts. */
  #first = 0

  /** @returns the number of the message that is sent now */
  send(): number {
    return this.#sentAt.push(performance.now()) - 1
  }

  arrived(number: number): void {
    this.#took[number] ??= performance.now() - (this.#sentAt[number] ?? 0)
  }

  /** Counts what is sent from now on only. */
  reset(): void {
    this.#first = this.#sentAt.length
  }

  get missing(): number {
    let missing = 0
    for (let number = this.#first; number < this.#sentAt.length; number++)
      if (this.#took[number] === undefined) missing++
    return missing
  }

  figures(): DelayFigures {
    const now = performance.now()
    const counted = this.#sentAt.slice(this.#first)
    const sorted = ascending(counted.map((sentAt, index) => this.#took[this.#first + index] ?? now - sentAt))
    return {
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      longest: sorted.at(-1) ?? Number.NaN,
      messages: sorted.length,
      missing: this.missing
    }
  }
}
