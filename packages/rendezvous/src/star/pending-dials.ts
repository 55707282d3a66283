import type { Session } from '../transport/session.js'

/** Dials that the callee has not answered yet, by the sessions at both ends. */
export class PendingDials {
  readonly #ids = new Map<Session, Set<string>>()
  /** Number of these dials that each session requested. */
  readonly #requested = new Map<Session, number>()

  has(session: Session, dialId: string): boolean {
    return this.#ids.get(session)?.has(dialId) === true
  }

  requestedBy(session: Session): number {
    return this.#requested.get(session) ?? 0
  }

  add(session: Session, dialId: string): void {
    const ids = this.#ids.get(session)
    if (ids === undefined) this.#ids.set(session, new Set([dialId]))
    else ids.add(dialId)
  }

  addRequested(session: Session, dialId: string): void {
    this.#requested.set(session, this.requestedBy(session) + 1)
    this.add(session, dialId)
  }

  settle(session: Session, dialId: string): void {
    const ids = this.#ids.get(session)
    ids?.delete(dialId)
    if (ids?.size === 0) this.#ids.delete(session)
  }

  settleRequested(session: Session, dialId: string): void {
    const left = this.requestedBy(session) - 1
    if (left > 0) this.#requested.set(session, left)
    else this.#requested.delete(session)
    this.settle(session, dialId)
  }
}
