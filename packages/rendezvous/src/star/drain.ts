import { EVENTS } from '@websocket-star/protocol'
import { eventText } from '../codec/packet.js'
import type { Session } from '../transport/session.js'

/** Milliseconds for each client: so that not all of them arrive elsewhere at once. */
const SPREAD = 1
/** Milliseconds a client that was told to go elsewhere has to do so, once it is time. */
const GRACE = 2_000
const LOOK_INTERVAL = 50

/** What is to be emptied. */
export interface DrainView {
  /** The sessions that are open. */
  readonly sessions: () => Iterable<Session>
  readonly hasStreams: (session: Session) => boolean
  /** Everything for other nodes of the star has left. */
  readonly isQuiet: () => boolean
}

/**
 * Empties a server. Clients that can be told are told to go elsewhere, each at another time; the others are closed, as
 * they come back by themselves. Whoever has streams may finish them until the time is up.
 */
export class Drain {
  readonly #view: DrainView
  /** When each is to be gone, unless it has streams; milliseconds. */
  readonly #dueAt = new Map<Session, number>()
  readonly #deadline: number
  readonly #now: () => number

  /** @param timeout - milliseconds that streams have */
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

  /** Waits until everybody has gone, or the time is up. */
  async finished(): Promise<void> {
    while (!this.#look()) await new Promise((resolve) => setTimeout(resolve, LOOK_INTERVAL))
  }

  /** @returns whether there is nothing to wait for any more */
  #look(): boolean {
    const now = this.#now()
    let left = 0
    for (const session of this.#view.sessions()) {
      if (!this.#view.hasStreams(session) && now >= (this.#dueAt.get(session) ?? 0)) session.close('server stop')
      if (!session.closing) left++
    }
    return (left === 0 && this.#view.isQuiet()) || now >= this.#deadline
  }
}
