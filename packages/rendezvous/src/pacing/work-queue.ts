import { Queue } from './queue.js'

/** Milliseconds of tasks per event loop iteration. */
const SLICE = 5
/** Maximum tasks per slice; part of their cost comes later and is not measured. */
const MAX_TASKS = 16

/** Runs tasks in order, over several event loop iterations if there are many, so that relaying continues. */
export class WorkQueue {
  readonly #capacity: number
  readonly #now: () => number
  readonly #queued = new Queue<() => void>()
  /** Milliseconds and tasks of this iteration. */
  #used = 0
  #count = 0
  #immediate: NodeJS.Immediate | undefined

  /** @param capacity - maximum of queued tasks */
  constructor(capacity: number, now: () => number = () => performance.now()) {
    this.#capacity = capacity
    this.#now = now
  }

  get size(): number {
    return this.#queued.size
  }

  /** Runs a task, which must not throw, now or later. @returns false if the queue is full and the task is dropped */
  submit(task: () => void): boolean {
    const isFree = this.size === 0 && !this.#isOver
    if (!isFree && this.size >= this.#capacity) return false
    this.#immediate ??= setImmediate(this.#next)
    if (isFree) this.#run(task)
    else this.#queued.push(task)
    return true
  }

  /** Drops the queued tasks. */
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
