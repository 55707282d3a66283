import { EVENTS } from '@websocket-star/protocol'
import type { Session } from '../transport/session.js'
import { eventText } from '../codec/packet.js'

/** Milliseconds for each client: so that not all of them arrive elsewhere at once. */
const SPREAD = 1
/** Milliseconds a client that was told to go elsewhere has to do so, once it is time. */
const GRACE = 2_000
const LOOK_INTERVAL = 50

/**
 * Empties a server. Clients that can be told are told to go elsewhere, each at another time; the others are closed, as
 * they come back by themselves. Whoever has streams may finish them until the time is up.
 */
export class Drain {
  readonly #sessions: () => Iterable<Session>
  readonly #isQuiet: () => boolean
  /** When each is to be gone, unless it has streams; milliseconds. */
  readonly #dueAt = new Map<Session, number>()
  readonly #deadline: number
  readonly #now: () => number

  /**
   * @param sessions - those that are open
   * @param isQuiet - whether everything has left for the other nodes of the star
   * @param timeout - milliseconds that streams have
   */
  constructor(
    sessions: () => Iterable<Session>,
    isQuiet: () => boolean,
    timeout: number,
    now: () => number = () => performance.now(),
    random: () => number = Math.random
  ) {
    this.#sessions = sessions
    this.#isQuiet = isQuiet
    this.#now = now
    const begin = now()
    this.#deadline = begin + timeout
    const all = [...sessions()]
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
    for (const session of this.#sessions()) {
      if (session.streams === 0 && now >= (this.#dueAt.get(session) ?? 0)) session.close('server stop')
      if (!session.closing) left++
    }
    return (left === 0 && this.#isQuiet()) || now >= this.#deadline
  }
}
