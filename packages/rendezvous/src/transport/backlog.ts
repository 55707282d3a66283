import type { Endpoint } from '../relay/endpoint.js'
import type { Link } from './link.js'

/** The session of a client, with its link. */
type WatchedSession = Endpoint & { readonly link: Link }

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
  readonly #watched = new Map<WatchedSession, Watched>()

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

  /** The sessions that are watched. */
  get sessions(): Iterable<Endpoint> {
    return this.#watched.keys()
  }

  /** Something was sent to a client. One that does not read what it asks for itself is dropped at four ceilings. */
  note(session: WatchedSession): void {
    const { buffered, link } = session
    if (buffered < WATCHED_FROM) return
    // Later, for the caller is in the middle of sending.
    if (buffered > this.#options.sessionCeiling * CEILINGS) setImmediate(() => link.terminate('backlog'))
    if (this.#watched.has(session)) return
    const watched: Watched = {
      progress: link.progress,
      aliveAt: this.#now(),
      stopListening: link.onPong(() => {
        watched.aliveAt = this.#now()
      })
    }
    this.#watched.set(session, watched)
  }

  sweep(): void {
    const now = this.#now()
    for (const [session, watched] of this.#watched) {
      const { link } = session
      if (session.ended || session.buffered === 0) {
        this.forget(session)
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
      largest.link.terminate('backlog')
      this.forget(largest)
    }
  }

  /** Stops watching a session, if it is watched. */
  forget(session: WatchedSession): void {
    this.#watched.get(session)?.stopListening()
    this.#watched.delete(session)
  }
}
