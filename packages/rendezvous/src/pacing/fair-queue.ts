import { Queue } from './queue.js'

/** Source of work that is processed in small pieces. */
export interface WorkSource {
  /** Sources of one group share its turns. */
  readonly group: object
  /** Newcomers share one half of the time. */
  readonly isNew: boolean
  /** Processes a piece, which takes a fraction of a millisecond. @returns whether another piece is ready */
  work(): boolean
}

/** Milliseconds of work per event loop iteration. */
const SLICE = 5

/** Expected milliseconds of a deferred turn: its source only starts to read now, and processes its input when that arrives. */
const DEFERRED_TURN = 0.5

/** Milliseconds while clients connect, since the event loop accepts one connection per iteration. */
const SHORT_SLICE = 1

/** Units of work, of a few microseconds each, that are done before the clock is checked. */
const UNTIMED_UNITS = 64

/** Shares the event loop among sources: round robin by group, then by source. An idle server works immediately. */
export class FairQueue {
  readonly afterPiece: () => void
  readonly #now: () => number
  readonly #slice: number
  readonly #established = new SourceRotation()
  readonly #newcomers = new SourceRotation()
  #isNewcomersTurn = false
  /** Units of immediate work in this event loop iteration, and the time at which it has to stop. */
  #immediateUnits = 0
  #immediateUntil = Number.POSITIVE_INFINITY
  #isShort = false
  #turnsUntil = 0
  #immediate: NodeJS.Immediate | undefined

  /**
   * @param afterPiece - called after each queued piece
   * @param slice - milliseconds per event loop iteration, once for immediate and once for queued work
   */
  constructor(afterPiece: () => void = () => {}, now: () => number = () => performance.now(), slice = SLICE) {
    this.afterPiece = afterPiece
    this.#now = now
    this.#slice = slice
  }

  /** Whether more work may be done immediately in this event loop iteration. */
  get mayRunNow(): boolean {
    return !this.isBusy && (this.#immediateUnits < UNTIMED_UNITS || this.#now() < this.#immediateUntil)
  }

  /** Records work that was done immediately. */
  recordWork(units: number): void {
    this.#immediateUnits += units
    if (this.#immediateUnits < UNTIMED_UNITS || this.#immediate !== undefined) return
    this.#immediateUntil = this.#now() + this.#currentSlice
    this.#immediate = setImmediate(this.#next)
  }

  /** Shortens the next slice, so that the event loop can accept the next connection. */
  shortenSlice(): void {
    this.#isShort = true
  }

  get isBusy(): boolean {
    return this.#established.size + this.#newcomers.size > 0
  }

  /** Shortens the current slice by the time that a deferred turn will take in the next event loop iteration. */
  countDeferredTurn(): void {
    this.#turnsUntil -= DEFERRED_TURN
  }

  /** Queues a source at the end of its group. It must not be queued already. */
  add(source: WorkSource): void {
    ;(source.isNew ? this.#newcomers : this.#established).add(source)
    this.#immediate ??= setImmediate(this.#next)
  }

  /** Drops the queued sources. */
  stop(): void {
    clearImmediate(this.#immediate)
    this.#immediate = undefined
    this.#established.clear()
    this.#newcomers.clear()
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
    const slice = this.#currentSlice
    this.#isShort = false
    if (!this.isBusy) return
    this.#turnsUntil = this.#now() + slice
    do {
      const source = this.#take()
      if (source === undefined) return
      if (source.work()) this.add(source)
      this.afterPiece()
    } while (this.#now() < this.#turnsUntil)
    if (this.isBusy) this.#immediate ??= setImmediate(this.#next)
  }

  /** Newcomers and established sources take turns: a storm of newcomers delays nobody who was there before. */
  #take(): WorkSource | undefined {
    this.#isNewcomersTurn = !this.#isNewcomersTurn
    return this.#isNewcomersTurn
      ? (this.#newcomers.take() ?? this.#established.take())
      : (this.#established.take() ?? this.#newcomers.take())
  }
}

/** Round robin of groups, and of the sources within a group. */
class SourceRotation {
  readonly #groups = new Map<object, Queue<WorkSource>>()
  readonly #order = new Queue<object>()
  /** Queued sources. */
  size = 0

  add(source: WorkSource): void {
    this.size++
    let sources = this.#groups.get(source.group)
    if (sources === undefined) {
      sources = new Queue()
      this.#groups.set(source.group, sources)
      this.#order.push(source.group)
    }
    sources.push(source)
  }

  take(): WorkSource | undefined {
    const group = this.#order.shift()
    if (group === undefined) return undefined
    const sources = this.#groups.get(group)
    const source = sources?.shift()
    if (sources === undefined || sources.size === 0) this.#groups.delete(group)
    else this.#order.push(group)
    this.size--
    return source
  }

  clear(): void {
    this.#groups.clear()
    this.#order.clear()
    this.size = 0
  }
}
