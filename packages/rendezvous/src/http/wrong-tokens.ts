import type { ServerResponse } from 'node:http'
import { networkOf } from '../pacing/remote-address.js'

/** Milliseconds. */
const DELAY = 1_000
/** Answers that wait at a time. */
const MAX_PER_NETWORK = 4
const MAX_WAITING = 64

/** Answers to wrong tokens: they come late, so that nobody guesses fast, and hold nobody up who has the right one. */
export class WrongTokens {
  readonly #delay: number
  readonly #waiting = new Map<string, number>()
  #size = 0

  constructor(delay = DELAY) {
    this.#delay = delay
  }

  /**
   * Answers later, unless the client has gone.
   *
   * @returns false if too many wait already
   */
  delay(ip: string, response: ServerResponse, answer: () => void): boolean {
    const network = networkOf(ip)
    const count = this.#waiting.get(network) ?? 0
    if (count >= MAX_PER_NETWORK || this.#size >= MAX_WAITING) return false
    this.#waiting.set(network, count + 1)
    this.#size++
    const timer = setTimeout(answer, this.#delay)
    response.once('close', () => {
      clearTimeout(timer)
      this.#size--
      const left = (this.#waiting.get(network) ?? 1) - 1
      if (left > 0) this.#waiting.set(network, left)
      else this.#waiting.delete(network)
    })
    return true
  }
}
