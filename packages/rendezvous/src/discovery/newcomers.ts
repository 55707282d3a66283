import type { Entry } from '../registry/entry.js'
import { pauseBetween } from './pace.js'

/** Stars of fewer listeners are told of each newcomer at once: that costs less than a millisecond. */
const SMALL = 64

/** Newcomers on their way to be announced. Where many listen, those that come at about the same time go together. */
export class Newcomers {
  readonly #perSecond: number
  readonly #announce: (entries: readonly Entry[], done: () => void) => void
  readonly #now: () => number
  #batch: { entry: Entry; announced: () => void }[] = []
  #timer: NodeJS.Timeout | undefined
  #announcedAt = Number.NEGATIVE_INFINITY
  #second = 0
  #count = 0

  /**
   * @param perSecond - how many may be announced
   * @param announce - tells everyone, and calls back when all are told
   */
  constructor(perSecond: number, announce: (entries: readonly Entry[], done: () => void) => void, now: () => number) {
    this.#perSecond = perSecond
    this.#announce = announce
    this.#now = now
  }

  /** How many are on their way. */
  get size(): number {
    return this.#batch.length
  }

  /** Whether one more may be announced in this second. */
  hasRoom(): boolean {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#count = 0
    }
    return this.#count < this.#perSecond
  }

  /** @param listeners - how many there are to tell */
  add(entry: Entry, announced: () => void, listeners: number): void {
    this.#count++
    this.#batch.push({ entry, announced })
    if (this.#timer !== undefined) return
    const pause = listeners < SMALL ? 0 : pauseBetween(listeners)
    const wait = this.#announcedAt + pause - this.#now()
    if (wait <= 0) this.#flush()
    else this.#timer = setTimeout(() => this.#flush(), wait).unref()
  }

  /** Those on their way are not announced any more. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#batch = []
  }

  #flush(): void {
    const batch = this.#batch
    this.stop()
    this.#announcedAt = this.#now()
    this.#announce(
      batch.map(({ entry }) => entry),
      () => {
        for (const { announced } of batch) announced()
      }
    )
  }
}
