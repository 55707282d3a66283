/** Milliseconds between two shares. */
const INTERVAL = 2

/**
 * The link that all attackers send through: so many bytes a second, first come first served. Without it they would fill the
 * buffers of their own system with hundreds of megabytes at once, and what that costs the machine would be taken for the server's.
 */
export class Link {
  readonly #perInterval: number
  readonly #waiting: { readonly bytes: number; readonly send: () => void }[] = []
  #left = 0
  #last = performance.now()

  constructor(bytesPerSecond: number) {
    this.#perInterval = bytesPerSecond / 1_000
    setInterval(() => this.#share(), INTERVAL).unref()
  }

  /** Waits until so many bytes may be sent. */
  async room(bytes: number): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push({ bytes, send: resolve }))
  }

  #share(): void {
    const now = performance.now()
    // What was not used is not kept for later.
    this.#left = Math.min(this.#left, 0) + this.#perInterval * Math.min(now - this.#last, 10 * INTERVAL)
    this.#last = now
    while (this.#left > 0) {
      const next = this.#waiting.shift()
      if (next === undefined) return
      this.#left -= next.bytes
      next.send()
    }
  }
}
