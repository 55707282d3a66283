import type { SessionAccount } from '../budget/session-account.js'
import type { WorkQueue } from '../pacing/work-queue.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { Link } from './link.js'

/** The session of a client, with its link. */
type WatchedSession = Endpoint & { readonly link: Link; readonly account: Pick<SessionAccount, 'setQueued'> }

export interface BacklogOptions {
  /** Milliseconds without any sign that a client reads after which it is dropped. */
  stallTimeout: number
  /** Bytes unsent to one client above which nobody who sends to it is read from. */
  sessionCeiling: number
  /** Bytes unsent to all clients together at most. */
  maxBufferedBytes: number
}

interface WatchState {
  progress: number
  /** When it last showed that it reads; milliseconds of the server's clock. */
  aliveAt: number
  stopListening: () => void
}

/** Bytes unsent below which nobody looks. */
const WATCH_FROM = 65_536

/** How many ceilings may be unsent to one client: several senders may each have been a little late to be held. */
const MAX_CEILINGS = 4

/**
 * Watches those to whom much is unsent. A client that takes nothing and answers no ping is dropped with its backlog; if
 * all backlogs together are too large, the largest is.
 */
export class BacklogWatch {
  readonly #options: BacklogOptions
  readonly #endings: Pick<WorkQueue, 'submit'>
  readonly #now: () => number
  readonly #watched = new Map<WatchedSession, WatchState>()

  /** @param endings - drops sessions, some of them at a time */
  constructor(options: BacklogOptions, endings: Pick<WorkQueue, 'submit'>, now: () => number) {
    this.#options = options
    this.#endings = endings
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
  afterSend(session: WatchedSession): void {
    const { buffered, link } = session
    if (buffered < WATCH_FROM) return
    session.account.setQueued(buffered)
    // Later, for the caller is in the middle of sending.
    if (buffered > this.#options.sessionCeiling * MAX_CEILINGS) setImmediate(() => link.terminate('backlog'))
    if (this.#watched.has(session)) return
    const watched: WatchState = {
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
      session.account.setQueued(session.buffered)
      if (now - watched.aliveAt >= this.#options.stallTimeout) this.#endings.submit(() => link.terminate('stalled'))
      else link.ping()
    }
    this.#dropLargest(this.buffered - this.#options.maxBufferedBytes)
  }

  /** @param excess - bytes that are too many */
  #dropLargest(excess: number): void {
    if (excess <= 0) return
    let left = excess
    for (const session of [...this.#watched.keys()].toSorted((a, b) => b.buffered - a.buffered)) {
      left -= session.buffered
      this.forget(session)
      this.#endings.submit(() => session.link.terminate('backlog'))
      if (left <= 0) return
    }
  }

  /** Stops watching a session, if it is watched. */
  forget(session: WatchedSession): void {
    const watched = this.#watched.get(session)
    if (watched === undefined) return
    watched.stopListening()
    session.account.setQueued(0)
    this.#watched.delete(session)
  }
}
