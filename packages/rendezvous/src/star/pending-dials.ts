import type { Session } from '../transport/session.js'

/** The dials that wait for an answer, by the sessions at their ends: their second halves are still to come. */
export class PendingDials {
  readonly #ids = new Map<Session, Set<string>>()
  /** How many of them each session asked for. */
  readonly #asked = new Map<Session, number>()

  has(session: Session, dialId: string): boolean {
    return this.#ids.get(session)?.has(dialId) === true
  }

  /** Returns how many of them a session asked for. */
  askedBy(session: Session): number {
    return this.#asked.get(session) ?? 0
  }

  add(session: Session, dialId: string): void {
    const ids = this.#ids.get(session)
    if (ids === undefined) this.#ids.set(session, new Set([dialId]))
    else ids.add(dialId)
  }

  addAsked(session: Session, dialId: string): void {
    this.#asked.set(session, this.askedBy(session) + 1)
    this.add(session, dialId)
  }

  settle(session: Session, dialId: string): void {
    const ids = this.#ids.get(session)
    ids?.delete(dialId)
    if (ids?.size === 0) this.#ids.delete(session)
  }

  settleAsked(session: Session, dialId: string): void {
    const asked = this.askedBy(session) - 1
    if (asked > 0) this.#asked.set(session, asked)
    else this.#asked.delete(session)
    this.settle(session, dialId)
  }
}
