import { abortable } from './abort.js'

/** Limits how many operations run at once; the others queue in order. */
export class Semaphore {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** Waits for a permit. @returns a function that releases it @throws the signal's reason */
  async acquire(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#enqueue(signal)
    let released = false
    return () => {
      if (!released) this.#release()
      released = true
    }
  }

  async #enqueue(signal: AbortSignal | undefined): Promise<void> {
    let grant: (() => void) | undefined
    const granted = new Promise<void>((resolve) => this.#queue.push((grant = resolve)))
    try {
      await abortable(granted, signal)
    } catch (error) {
      const index = grant === undefined ? -1 : this.#queue.indexOf(grant)
      if (index >= 0) this.#queue.splice(index, 1)
      // The permit was granted just before the signal aborted.
      else this.#release()
      throw error
    }
  }

  #release(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
