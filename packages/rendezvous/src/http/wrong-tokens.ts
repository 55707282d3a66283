import type { ServerResponse } from 'node:http'
import { networkOf } from '../pacing/remote-address.js'

/** Milliseconds before a wrong token is answered. */
const DELAY = 1_000
/** Maximum of answers that are delayed at a time. */
const MAX_PER_NETWORK = 4
const MAX_DELAYED = 64

/** Delays answers to wrong tokens, so that guessing is slow. Requests with the right token are not affected. */
export class WrongTokens {
  readonly #delay: number
  readonly #waiting = new Map<string, number>()
  #size = 0

  constructor(delay = DELAY) {
    this.#delay = delay
  }

  /** Answers after the delay, unless the client disconnects before. @returns false if too many answers are delayed */
  delay(ip: string, response: ServerResponse, answer: () => void): boolean {
    const network = networkOf(ip)
    const count = this.#waiting.get(network) ?? 0
    if (count >= MAX_PER_NETWORK || this.#size >= MAX_DELAYED) return false
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
