import { Queue } from './queue.js'

/** Something that has work to do, a small piece at a time. */
export interface Flow {
  /** Flows of one group share its turn. */
  readonly group: object
  /**
   * Does a piece of the work, which takes a fraction of a millisecond.
   *
   * @returns whether there is more to do now
   */
  work(): boolean
}

/** Milliseconds. */
const SLICE = 5

/** Milliseconds that a deferred turn is expected to take. */
const DEFERRED = 0.5

/** Milliseconds of a slice while clients connect: the event loop accepts one connection a turn. */
const SHORT_SLICE = 1

/** Units of work, of a few microseconds each, that are done without looking at the clock. */
const UNTIMED = 64

/**
 * Shares the time of the event loop between those who have work: in turns by group, and within a group by flow. While
 * there is little to do everything is done at once, and nothing waits.
 */
export class FairQueue {
  readonly worked: () => void
  readonly #now: () => number
  readonly #slice: number
  readonly #groups = new Map<object, Queue<Flow>>()
  readonly #order = new Queue<object>()
  /** Flows in line. */
  #size = 0
  /** Units of work done at once in this turn of the event loop, and until when more may be done. */
  #units = 0
  #end = Number.POSITIVE_INFINITY
  #isShort = false
  #until = 0
  #immediate: NodeJS.Immediate | undefined

  /**
   * @param worked - called after each piece of work that was done in turn
   * @param slice - milliseconds of work in one turn of the event loop: at once, and again in line
   */
  constructor(worked: () => void = () => {}, now: () => number = () => performance.now(), slice = SLICE) {
    this.worked = worked
    this.#now = now
    this.#slice = slice
  }

  /** More may be done at once in this turn of the event loop. */
  get isFree(): boolean {
    return this.#size === 0 && (this.#units < UNTIMED || this.#now() < this.#end)
  }

  /** Work was done at once. */
  note(units: number): void {
    this.#units += units
    if (this.#units < UNTIMED || this.#immediate !== undefined) return
    this.#end = this.#now() + this.#currentSlice
    this.#immediate = setImmediate(this.#next)
  }

  /** Shortens the next slice, since more connections may be waiting to be accepted. */
  shorten(): void {
    this.#isShort = true
  }

  /** Flows are waiting in line. */
  get isBusy(): boolean {
    return this.#size > 0
  }

  /** A flow uses its turn later: in the next turn of the event loop. */
  defer(): void {
    this.#until -= DEFERRED
  }

  /** Puts a flow in line, at the end of its group. It must not be in line already. */
  add(flow: Flow): void {
    this.#size++
    const flows = this.#groups.get(flow.group)
    if (flows === undefined) {
      const queue = new Queue<Flow>()
      queue.push(flow)
      this.#groups.set(flow.group, queue)
      this.#order.push(flow.group)
    } else flows.push(flow)
    this.#immediate ??= setImmediate(this.#next)
  }

  /** What waits will not be done. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#immediate = undefined
    this.#groups.clear()
    this.#order.clear()
    this.#size = 0
    this.#units = 0
    this.#end = Number.POSITIVE_INFINITY
  }

  get #currentSlice(): number {
    return this.#isShort ? Math.min(SHORT_SLICE, this.#slice) : this.#slice
  }

  readonly #next = (): void => {
    this.#immediate = undefined
    this.#units = 0
    this.#end = Number.POSITIVE_INFINITY
    this.#until = this.#now() + this.#currentSlice
    this.#isShort = false
    if (this.#groups.size === 0) return
    do {
      const group = this.#order.shift()
      if (group === undefined) return
      const flows = this.#groups.get(group)
      const flow = flows?.shift()
      this.#size--
      if (flow?.work() === true) {
        this.#size++
        flows?.push(flow)
      }
      if (flows === undefined || flows.size === 0) this.#groups.delete(group)
      else this.#order.push(group)
      this.worked()
    } while (this.#now() < this.#until)
    if (this.#groups.size > 0) this.#immediate ??= setImmediate(this.#next)
  }
}
