import { get } from 'node:http'

export interface HealthFigures {
  /** Milliseconds. */
  readonly longest: number
  readonly answers: number
  /** Milliseconds that the one under way has taken so far. */
  readonly waiting: number
  /** Answers that were not 200, and none at all. */
  readonly failures: number
}

const PAUSE = 100

/** Asks for `/health` again and again, each time on a new connection. */
export class HealthProbe {
  readonly #url: string
  readonly #from: string
  #longest = 0
  #answers = 0
  #failures = 0
  #askedAt: number | undefined

  constructor(url: string, from: string) {
    this.#url = `${url}/health`
    this.#from = from
    this.#ask()
  }

  reset(): void {
    this.#longest = this.#answers = this.#failures = 0
  }

  figures(): HealthFigures {
    const waiting = this.#askedAt === undefined ? 0 : performance.now() - this.#askedAt
    return { longest: Math.max(this.#longest, waiting), waiting, answers: this.#answers, failures: this.#failures }
  }

  #ask(): void {
    const askedAt = performance.now()
    this.#askedAt = askedAt
    const done = (isWell: boolean): void => {
      if (this.#askedAt !== askedAt) return
      this.#askedAt = undefined
      this.#longest = Math.max(this.#longest, performance.now() - askedAt)
      if (isWell) this.#answers++
      else this.#failures++
      setTimeout(() => this.#ask(), PAUSE)
    }
    const request = get(this.#url, { agent: false, localAddress: this.#from }, (response) => {
      response.resume().once('end', () => done(response.statusCode === 200))
    })
    request.once('error', () => done(false))
  }
}
