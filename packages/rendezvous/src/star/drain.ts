import { EVENTS } from '@websocket-star/protocol'
import { eventText } from '../codec/packet.js'
import type { Session } from '../transport/session.js'

/** Milliseconds per client over which reconnects to other servers are spread. */
const SPREAD = 1
/** Milliseconds after its delay within which an extended client must leave by itself. */
const GRACE = 2_000
const CHECK_INTERVAL = 50

/** State of the server that a drain reads. */
export interface DrainView {
  readonly sessions: () => Iterable<Session>
  readonly hasStreams: (session: Session) => boolean
  readonly isQuiet: () => boolean
}

/**
 * Empties a server. It sends extended clients a random delay, after which they move to another server. It closes the sessions of
 * legacy clients, which reconnect by themselves. Sessions with streams stay until the streams have finished or the drain has
 * timed out.
 */
export class Drain {
  readonly #view: DrainView
  /** Time at which each session without streams is closed, in milliseconds. */
  readonly #dueAt = new Map<Session, number>()
  readonly #deadline: number
  readonly #now: () => number

  /** @param timeout - milliseconds that streams have to finish */
  constructor(
    view: DrainView,
    timeout: number,
    now: () => number = () => performance.now(),
    random: () => number = Math.random
  ) {
    this.#view = view
    this.#now = now
    const begin = now()
    this.#deadline = begin + timeout
    const all = [...view.sessions()]
    const spread = Math.min(all.length * SPREAD, timeout / 2)
    for (const session of all) {
      const afterMs = Math.round(random() * spread)
      if (session.extended) session.sendText(eventText(EVENTS.drain, [{ afterMs }]))
      this.#dueAt.set(session, begin + afterMs + (session.extended ? GRACE : 0))
    }
  }

  /** Resolves when all sessions are closed, the timeout is over, or the signal aborts. */
  async finished(signal?: AbortSignal): Promise<void> {
    while (!this.#closeDue()) {
      await new Promise((resolve) => setTimeout(resolve, CHECK_INTERVAL))
      if (signal?.aborted === true) return
    }
  }

  /** Closes the sessions that are due. @returns whether the drain is over */
  #closeDue(): boolean {
    const now = this.#now()
    let left = 0
    for (const session of this.#view.sessions()) {
      if (!this.#view.hasStreams(session) && now >= (this.#dueAt.get(session) ?? 0)) session.close('server stop')
      if (!session.closing) left++
    }
    return (left === 0 && this.#view.isQuiet()) || now >= this.#deadline
  }
}
