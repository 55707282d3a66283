import { Queue } from './queue.js'

/** Something that has work to do, a small piece at a time. */
export interface WorkSource {
  /** Sources of one group share its turn. */
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
const DEFERRED_TURN = 0.5

/** Milliseconds of a slice while clients connect: the event loop accepts one connection a turn. */
const SHORT_SLICE = 1

/** Units of work, of a few microseconds each, that are done without looking at the clock. */
const UNTIMED_UNITS = 64

/**
 * Shares the time of the event loop between those who have work: in turns by group, and within a group by source. While
 * there is little to do everything is done at once, and nothing waits.
 */
export class FairQueue {
  readonly afterPiece: () => void
  readonly #now: () => number
  readonly #slice: number
  readonly #groups = new Map<object, Queue<WorkSource>>()
  readonly #rotation = new Queue<object>()
  /** Sources in line. */
  #size = 0
  /** Units of work done at once in this turn of the event loop, and until when more may be done. */
  #immediateUnits = 0
  #immediateUntil = Number.POSITIVE_INFINITY
  #isShort = false
  #turnsUntil = 0
  #immediate: NodeJS.Immediate | undefined

  /**
   * @param afterPiece - called after each piece of work that was done in turn
   * @param slice - milliseconds of work in one turn of the event loop: at once, and again in line
   */
  constructor(afterPiece: () => void = () => {}, now: () => number = () => performance.now(), slice = SLICE) {
    this.afterPiece = afterPiece
    this.#now = now
    this.#slice = slice
  }

  /** More may be done at once in this turn of the event loop. */
  get mayRunNow(): boolean {
    return this.#size === 0 && (this.#immediateUnits < UNTIMED_UNITS || this.#now() < this.#immediateUntil)
  }

  /** Work was done at once. */
  recordWork(units: number): void {
    this.#immediateUnits += units
    if (this.#immediateUnits < UNTIMED_UNITS || this.#immediate !== undefined) return
    this.#immediateUntil = this.#now() + this.#currentSlice
    this.#immediate = setImmediate(this.#next)
  }

  /** Shortens the next slice, since more connections may be waiting to be accepted. */
  shortenSlice(): void {
    this.#isShort = true
  }

  /** Sources are waiting in line. */
  get isBusy(): boolean {
    return this.#size > 0
  }

  /** A source uses its turn later: in the next turn of the event loop. */
  countDeferredTurn(): void {
    this.#turnsUntil -= DEFERRED_TURN
  }

  /** Puts a source in line, at the end of its group. It must not be in line already. */
  add(source: WorkSource): void {
    this.#size++
    const sources = this.#groups.get(source.group)
    if (sources === undefined) {
      const queue = new Queue<WorkSource>()
      queue.push(source)
      this.#groups.set(source.group, queue)
      this.#rotation.push(source.group)
    } else sources.push(source)
    this.#immediate ??= setImmediate(this.#next)
  }

  /** What waits will not be done. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#immediate = undefined
    this.#groups.clear()
    this.#rotation.clear()
    this.#size = 0
    this.#immediateUnits = 0
    this.#immediateUntil = Number.POSITIVE_INFINITY
  }

  get #currentSlice(): number {
    return this.#isShort ? Math.min(SHORT_SLICE, this.#slice) : this.#slice
  }

  readonly #next = (): void => {
    this.#immediate = undefined
    this.#immediateUnits = 0
    this.#immediateUntil = Number.POSITIVE_INFINITY
    this.#turnsUntil = this.#now() + this.#currentSlice
    this.#isShort = false
    if (this.#groups.size === 0) return
    do {
      const group = this.#rotation.shift()
      if (group === undefined) return
      const sources = this.#groups.get(group)
      const source = sources?.shift()
      this.#size--
      if (source?.work() === true) {
        this.#size++
        sources?.push(source)
      }
      if (sources === undefined || sources.size === 0) this.#groups.delete(group)
      else this.#rotation.push(group)
      this.afterPiece()
    } while (this.#now() < this.#turnsUntil)
    if (this.#groups.size > 0) this.#immediate ??= setImmediate(this.#next)
  }
}
