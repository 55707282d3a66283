import type { ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { answer } from './answer.js'

/** Milliseconds for which a text is reused, since making a text takes a few milliseconds. */
const MAX_AGE = 1_000

/** The text of `/metrics`. Clients to which limits apply get a text that may be a second old. */
export class MetricsText {
  readonly #registry: Registry
  readonly #now: () => number
  #text: Buffer | undefined
  #reading: Promise<void> | undefined
  #readAt = Number.NEGATIVE_INFINITY

  constructor(registry: Registry, now: () => number = () => performance.now()) {
    this.#registry = registry
    this.#now = now
  }

  /** @param isFresh - makes a new text, which concurrent requests still share */
  send(response: ServerResponse, isFresh: boolean): void {
    const isOld = isFresh || this.#now() - this.#readAt >= MAX_AGE
    if (this.#reading === undefined && isOld) this.#reading = this.#read()
    if (this.#reading === undefined) this.#answer(response)
    else void this.#reading.then(() => this.#answer(response))
  }

  async #read(): Promise<void> {
    this.#readAt = this.#now()
    this.#text = await this.#registry.metrics().then(
      (text) => Buffer.from(text),
      () => undefined
    )
    this.#reading = undefined
  }

  #answer(response: ServerResponse): void {
    if (this.#text === undefined) answer(response, 500, 'text/plain', 'The metrics could not be collected.\n')
    else answer(response, 200, this.#registry.contentType, this.#text)
  }
}
