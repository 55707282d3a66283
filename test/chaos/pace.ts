import { setTimeout as delay } from 'node:timers/promises'

/** Lets so many bytes a second pass, of all who ask together. */
export class Pace {
  readonly #rate: number
  #freeAt = 0

  constructor(rate: number) {
    this.#rate = rate
  }

  async take(bytes: number): Promise<void> {
    const now = performance.now()
    const startsAt = Math.max(now, this.#freeAt)
    this.#freeAt = startsAt + (bytes / this.#rate) * 1_000
    if (startsAt - now > 1) await delay(startsAt - now)
  }
}
