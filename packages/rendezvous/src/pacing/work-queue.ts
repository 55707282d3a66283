import { Queue } from './queue.js'

/** Milliseconds that waiting tasks may run for before everything else has its turn. */
const SLICE = 5
/** How many they may be: a part of what they do is done after them, where it is not seen. */
const MAX_TASKS = 16

/**
 * Work that comes in storms, as when all clients connect anew: done in order, and some of it at a time, so that what is
 * relayed meanwhile goes on. When little comes nothing waits.
 */
export class WorkQueue {
  readonly #capacity: number
  readonly #now: () => number
  readonly #queued = new Queue<() => void>()
  /** Milliseconds of this turn that are used up, and tasks that were done in it. */
  #used = 0
  #count = 0
  #immediate: NodeJS.Immediate | undefined

  /** @param capacity - tasks that may wait */
  constructor(capacity: number, now: () => number = () => performance.now()) {
    this.#capacity = capacity
    this.#now = now
  }

  /** Tasks that wait. */
  get size(): number {
    return this.#queued.size
  }

  /**
   * Does something now, or after what waits already.
   *
   * @param task - must not throw
   * @returns false if too much waits: it will not be done
   */
  submit(task: () => void): boolean {
    const isFree = this.size === 0 && !this.#isOver
    if (!isFree && this.size >= this.#capacity) return false
    this.#immediate ??= setImmediate(this.#next)
    if (isFree) this.#run(task)
    else this.#queued.push(task)
    return true
  }

  /** What waits will not be done. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#immediate = undefined
    this.#queued.clear()
    this.#used = 0
    this.#count = 0
  }

  get #isOver(): boolean {
    return this.#used >= SLICE || this.#count >= MAX_TASKS
  }

  #run(task: () => void): void {
    this.#count++
    const before = this.#now()
    task()
    this.#used += this.#now() - before
  }

  readonly #next = (): void => {
    this.#used = 0
    this.#count = 0
    this.#immediate = undefined
    while (!this.#isOver) {
      const task = this.#queued.shift()
      if (task === undefined) return
      this.#run(task)
    }
    if (this.size > 0) this.#immediate ??= setImmediate(this.#next)
  }
}
