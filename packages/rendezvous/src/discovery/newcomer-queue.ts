import type { PeerEntry } from '../registry/peer-entry.js'
import { pauseBetween } from './batch-pause.js'

/** With fewer subscribers, each newcomer is announced immediately, which takes less than a millisecond. */
const IMMEDIATE_MAX = 64

/** Queues newcomers to be announced. On large stars, those that join at about the same time are announced together. */
export class NewcomerQueue {
  readonly #perSecond: number
  readonly #announce: (entries: readonly PeerEntry[], done: () => void) => void
  readonly #now: () => number
  #batch: { entry: PeerEntry; announced: () => void }[] = []
  #timer: NodeJS.Timeout | undefined
  #announcedAt = Number.NEGATIVE_INFINITY
  #second = 0
  #count = 0

  /** @param announce - announces the entries and calls `done` when all clients have been told */
  constructor(
    perSecond: number,
    announce: (entries: readonly PeerEntry[], done: () => void) => void,
    now: () => number
  ) {
    this.#perSecond = perSecond
    this.#announce = announce
    this.#now = now
  }

  get size(): number {
    return this.#batch.length
  }

  /** Returns whether another newcomer may be announced in this second. */
  hasRoom(): boolean {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#count = 0
    }
    return this.#count < this.#perSecond
  }

  add(entry: PeerEntry, announced: () => void, subscribers: number): void {
    this.#count++
    this.#batch.push({ entry, announced })
    if (this.#timer !== undefined) return
    const pause = subscribers < IMMEDIATE_MAX ? 0 : pauseBetween(subscribers)
    const wait = this.#announcedAt + pause - this.#now()
    if (wait <= 0) this.#flush()
    else this.#timer = setTimeout(() => this.#flush(), wait).unref()
  }

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
