/** A slice ends after this many clients or milliseconds, so that the event loop can do other work. */
const SLICE_CLIENTS = 128
const SLICE_TIME = 5

interface Broadcast {
  /** Each step sends to one client. */
  steps: Iterator<void>
  done: () => void
}

/** Sends broadcasts to many clients in slices, one broadcast after the other. */
export class BroadcastQueue {
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number
  readonly #queue: Broadcast[] = []
  #immediate: NodeJS.Immediate | undefined

  /** @param onFault - called with an error thrown by a step or by `done`, which ends the broadcast */
  constructor(onFault: (error: unknown) => void, now: () => number = () => performance.now()) {
    this.#onFault = onFault
    this.#now = now
  }

  /** Queues a broadcast; it starts immediately if no other is running. */
  start(steps: Iterator<void>, done: () => void): void {
    this.#queue.push({ steps, done })
    if (this.#queue.length === 1) this.#run()
  }

  /** Abandons all broadcasts without calling `done`. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#queue.length = 0
  }

  readonly #run = (): void => {
    const until = this.#now() + SLICE_TIME
    let left = SLICE_CLIENTS
    for (let [broadcast] = this.#queue; broadcast !== undefined; [broadcast] = this.#queue) {
      while (this.#step(broadcast)) {
        if (--left > 0 && this.#now() < until) continue
        this.#immediate = setImmediate(this.#run)
        return
      }
      this.#queue.shift()
      this.#try(broadcast.done)
    }
  }

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
