/** Clients that are told before others have their turn. */
const SLICE = 128

interface Broadcast {
  /** Each step tells one client. */
  steps: Iterator<void>
  done: () => void
}

/** Tells many clients something, some of them at once, so that nobody has to wait for long; one broadcast after the other. */
export class Broadcasts {
  readonly #queue: Broadcast[] = []
  #immediate: NodeJS.Immediate | undefined

  /** Begins at once, if nothing is under way. */
  start(steps: Iterator<void>, done: () => void): void {
    this.#queue.push({ steps, done })
    if (this.#queue.length === 1) this.#goOn()
  }

  /** What is under way ends where it is. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#queue.length = 0
  }

  readonly #goOn = (): void => {
    let left = SLICE
    for (let [broadcast] = this.#queue; broadcast !== undefined; [broadcast] = this.#queue) {
      while (broadcast.steps.next().done !== true) {
        if (--left > 0) continue
        this.#immediate = setImmediate(this.#goOn)
        return
      }
      this.#queue.shift()
      broadcast.done()
    }
  }
}
