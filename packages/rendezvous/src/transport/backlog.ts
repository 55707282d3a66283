import type { Link } from './link.js'

export interface BacklogOptions {
  /** Milliseconds without any sign that a client reads after which it is dropped. */
  stallTimeout: number
  /** Bytes unsent to one client above which nobody who sends to it is read from. */
  sessionCeiling: number
  /** Bytes unsent to all clients together at most. */
  maxBufferedBytes: number
}

interface Watched {
  progress: number
  /** When it last showed that it reads; milliseconds of the server's clock. */
  aliveAt: number
  stopListening: () => void
}

/** Bytes unsent below which nobody looks. */
const WATCHED_FROM = 65_536

/** How many ceilings may be unsent to one client: several senders may each have been a little late to be held. */
const CEILINGS = 4

/**
 * Watches those to whom much is unsent. A client that takes nothing and answers no ping is dropped with its backlog; if
 * all backlogs together are too large, the largest is.
 */
export class BacklogWatch {
  readonly #options: BacklogOptions
  readonly #now: () => number
  readonly #watched = new Map<Link, Watched>()

  constructor(options: BacklogOptions, now: () => number) {
    this.#options = options
    this.#now = now
  }

  /** Bytes unsent to those who are watched. */
  get buffered(): number {
    let sum = 0
    for (const link of this.#watched.keys()) sum += link.buffered
    return sum
  }

  /** The links that are watched. */
  get links(): Iterable<Link> {
    return this.#watched.keys()
  }

  /** Something was sent to a client. One that does not read what it asks for itself is dropped at four ceilings. */
  note(link: Link): void {
    const { buffered } = link
    if (buffered < WATCHED_FROM) return
    // Later, for the caller is in the middle of sending.
    if (buffered > this.#options.sessionCeiling * CEILINGS) setImmediate(() => link.terminate('backlog'))
    if (this.#watched.has(link)) return
    const watched: Watched = {
      progress: link.progress,
      aliveAt: this.#now(),
      stopListening: link.onPong(() => {
        watched.aliveAt = this.#now()
      })
    }
    this.#watched.set(link, watched)
  }

  sweep(): void {
    const now = this.#now()
    for (const [link, watched] of this.#watched) {
      if (link.ended || link.buffered === 0) {
        this.forget(link)
        continue
      }
      const { progress } = link
      if (progress !== watched.progress) {
        watched.progress = progress
        watched.aliveAt = now
      }
      if (now - watched.aliveAt >= this.#options.stallTimeout) link.terminate('stalled')
      else link.ping()
    }
    while (this.buffered > this.#options.maxBufferedBytes) {
      const [largest] = [...this.#watched.keys()].toSorted((a, b) => b.buffered - a.buffered)
      if (largest === undefined) return
      largest.terminate('backlog')
      this.forget(largest)
    }
  }

  /** Stops watching a link, if it is watched. */
  forget(link: Link): void {
    this.#watched.get(link)?.stopListening()
    this.#watched.delete(link)
  }
}
