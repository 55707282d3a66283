/** Clients that are told before others have their turn, and the milliseconds that may take. */
const SLICE = 128
const SLICE_TIME = 5

interface Broadcast {
  /** Each step tells one client. */
  steps: Iterator<void>
  done: () => void
}

/** Tells many clients something, some of them at once, so that nobody has to wait for long; one broadcast after the other. */
export class Broadcasts {
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number
  readonly #queue: Broadcast[] = []
  #immediate: NodeJS.Immediate | undefined

  /** @param onFault - told what a step, or the end of a broadcast, throws: the broadcast is over then */
  constructor(onFault: (error: unknown) => void, now: () => number = () => performance.now()) {
    this.#onFault = onFault
    this.#now = now
  }

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
    const until = this.#now() + SLICE_TIME
    let left = SLICE
    for (let [broadcast] = this.#queue; broadcast !== undefined; [broadcast] = this.#queue) {
      while (this.#step(broadcast)) {
        if (--left > 0 && this.#now() < until) continue
        this.#immediate = setImmediate(this.#goOn)
        return
      }
      this.#queue.shift()
      this.#try(broadcast.done)
    }
  }

  /** @returns whether there may be more to do */
  #step({ steps }: Broadcast): boolean {
    let hasMore = false
    this.#try(() => {
      hasMore = steps.next().done !== true
    })
    return hasMore
  }

  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#onFault(error)
    }
  }
}
