import type { SessionAccount } from '../budget/session-account.js'
import type { WorkQueue } from '../pacing/work-queue.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { Link } from './link.js'

type WatchedSession = Endpoint & { readonly link: Link; readonly account: Pick<SessionAccount, 'setQueued'> }

export interface BacklogOptions {
  /** Milliseconds after which a client that shows no sign of reading is dropped. */
  stallTimeout: number
  /** Backlog of one client, in bytes, above which its senders are paused. */
  sessionCeiling: number
  /** Largest total of all backlogs, in bytes. */
  maxBufferedBytes: number
}

interface WatchState {
  progress: number
  /** Time of the last sign that the client reads, in milliseconds. */
  aliveAt: number
  stopListening: () => void
}

/** Smallest backlog that is watched, in bytes. */
const WATCH_FROM = 65_536

/** Maximum of a backlog, as a multiple of the ceiling. Several senders may each be paused a little late. */
const MAX_CEILINGS = 4

/** Watches large backlogs. Drops clients that do not read and, above the total limit, those with the largest backlogs. */
export class BacklogWatch {
  readonly #options: BacklogOptions
  readonly #endings: Pick<WorkQueue, 'submit'>
  readonly #now: () => number
  readonly #watched = new Map<WatchedSession, WatchState>()

  /** @param endings - spreads the work of dropping many sessions at once */
  constructor(options: BacklogOptions, endings: Pick<WorkQueue, 'submit'>, now: () => number) {
    this.#options = options
    this.#endings = endings
    this.#now = now
  }

  /** Total of the watched backlogs, in bytes. */
  get buffered(): number {
    let sum = 0
    for (const session of this.#watched.keys()) sum += session.buffered
    return sum
  }

  get sessions(): Iterable<Endpoint> {
    return this.#watched.keys()
  }

  /** Checks a backlog after a message was sent. Drops a client whose backlog is a multiple of the ceiling. */
  afterSend(session: WatchedSession): void {
    const { buffered, link } = session
    if (buffered < WATCH_FROM) return
    session.account.setQueued(buffered)
    // Deferred, because the caller is still sending.
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

  forget(session: WatchedSession): void {
    const watched = this.#watched.get(session)
    if (watched === undefined) return
    watched.stopListening()
    session.account.setQueued(0)
    this.#watched.delete(session)
  }
}
