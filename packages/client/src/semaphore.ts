import { abortable } from './abort.js'

/** Limits how many operations run at once; the others queue in order. */
export class Semaphore {
  #free: number
  readonly #queue: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /**
   * Waits for a permit, at most so many milliseconds.
   *
   * @returns a function that releases it; undefined if there was none in time
   * @throws the signal's reason
   */
  async acquire(signal: AbortSignal | undefined, timeout: number): Promise<(() => void) | undefined> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free--
    else if (!(await this.#enqueue(signal, timeout))) return undefined
    let released = false
    return () => {
      if (!released) this.#release()
      released = true
    }
  }

  /** @returns whether the permit was granted in time */
  async #enqueue(signal: AbortSignal | undefined, timeout: number): Promise<boolean> {
    let grant: (() => void) | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const granted = new Promise<boolean>((resolve) => {
      this.#queue.push((grant = () => resolve(true)))
      timer = setTimeout(() => grant !== undefined && this.#remove(grant) && resolve(false), timeout)
    })
    try {
      return await abortable(granted, signal)
    } catch (error) {
      // If it is not in the queue, the permit was granted just before the signal aborted.
      if (grant === undefined || !this.#remove(grant)) this.#release()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** @returns whether it was in the queue */
  #remove(grant: () => void): boolean {
    const index = this.#queue.indexOf(grant)
    if (index >= 0) this.#queue.splice(index, 1)
    return index >= 0
  }

  #release(): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
