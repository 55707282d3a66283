import { abortable } from './abort.js'

/** Lets so many do something at once; others wait in order. */
export class Slots {
  #free: number
  readonly #waiting: (() => void)[] = []

  constructor(count: number) {
    this.#free = count
  }

  /** @returns what frees the slot again. @throws the signal's reason */
  async acquire(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#wait(signal)
    let released = false
    return () => {
      if (!released) this.#release()
      released = true
    }
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    let granted: (() => void) | undefined
    const turn = new Promise<void>((resolve) => this.#waiting.push((granted = resolve)))
    try {
      await abortable(turn, signal)
    } catch (error) {
      const index = granted === undefined ? -1 : this.#waiting.indexOf(granted)
      if (index >= 0) this.#waiting.splice(index, 1)
      // It was granted at the same moment.
      else this.#release()
      throw error
    }
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#free++
    else next()
  }
}
