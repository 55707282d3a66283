import type { Session } from './session.js'

export interface BacklogOptions {
  /** Milliseconds without any sign that a client reads after which it is dropped. */
  stallTimeout: number
  /** Bytes unsent to all clients together at most. */
  maxBufferedBytes: number
}

interface Watched {
  writeQueueSize: number
  /** When it last showed that it reads; milliseconds of the server's clock. */
  aliveAt: number
  stopListening: () => void
}

/** Bytes unsent below which nobody looks. */
const WATCHED_FROM = 65_536

/**
 * Watches those to whom much is unsent. A client that takes nothing and answers no ping is dropped with its backlog; if
 * all backlogs together are too large, the largest is.
 */
export class BacklogWatch {
  readonly #options: BacklogOptions
  readonly #now: () => number
  readonly #watched = new Map<Session, Watched>()

  constructor(options: BacklogOptions, now: () => number) {
    this.#options = options
    this.#now = now
  }

  /** Bytes unsent to those who are watched. */
  get buffered(): number {
    let sum = 0
    for (const session of this.#watched.keys()) sum += session.buffered
    return sum
  }

  get sessions(): Iterable<Session> {
    return this.#watched.keys()
  }

  /** Something was sent to a session. */
  note(session: Session): void {
    if (session.buffered < WATCHED_FROM || this.#watched.has(session)) return
    const watched: Watched = {
      writeQueueSize: session.link.writeQueueSize,
      aliveAt: this.#now(),
      stopListening: session.link.onPong(() => {
        watched.aliveAt = this.#now()
      })
    }
    this.#watched.set(session, watched)
  }

  sweep(): void {
    const now = this.#now()
    for (const [session, watched] of this.#watched) {
      if (session.ended || session.buffered === 0) {
        this.forget(session)
        continue
      }
      const { writeQueueSize } = session.link
      if (writeQueueSize !== watched.writeQueueSize) {
        watched.writeQueueSize = writeQueueSize
        watched.aliveAt = now
      }
      if (now - watched.aliveAt >= this.#options.stallTimeout) session.terminate('stalled')
      else session.link.ping()
    }
    while (this.buffered > this.#options.maxBufferedBytes) {
      const [largest] = [...this.#watched.keys()].toSorted((a, b) => b.buffered - a.buffered)
      if (largest === undefined) return
      largest.terminate('backlog')
      this.forget(largest)
    }
  }

  forget(session: Session): void {
    this.#watched.get(session)?.stopListening()
    this.#watched.delete(session)
  }
}
