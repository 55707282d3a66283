import type { RunningServer } from './server.js'

/** Watches the resident size of a server; the system's own peak is that of the whole life of the process. */
export class Peak {
  readonly #server: Pick<RunningServer, 'usage'>
  readonly #timer: NodeJS.Timeout
  #rss = 0

  /** @param interval - in milliseconds */
  constructor(server: Pick<RunningServer, 'usage'>, interval: number) {
    this.#server = server
    this.#timer = setInterval(() => void this.#look(), interval)
  }

  /** Ends the watch. Returns the most bytes that were seen. */
  async stop(): Promise<number> {
    clearInterval(this.#timer)
    await this.#look()
    return this.#rss
  }

  async #look(): Promise<void> {
    const { rss } = await this.#server.usage()
    this.#rss = Math.max(this.#rss, rss)
  }
}
