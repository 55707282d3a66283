import { EVENTS, InvalidAddressError, parseLeaveRequest, WIRE_ERRORS, wireErrorFor } from '@websocket-star/protocol'
import type { WorkQueue } from '../pacing/work-queue.js'
import { SessionEntry } from '../registry/session-entry.js'
import type { Router } from '../relay/router.js'
import type { CloseReason, Counters, RefusalReason } from '../stats.js'
import type { Ack } from '../transport/receiver.js'
import type { Session } from '../transport/session.js'
import type { Dialing } from './dial.js'
import { Drain } from './drain.js'
import type { Joining } from './join.js'
import type { Ownership } from './ownership.js'

export interface StarOptions {
  /** Milliseconds a session may go without an address and without a stream. */
  joinDeadline: number
}

/** A client that dials while its joins wait may have so many requests that wait. */
const WAITING_DIALS = 100

export interface StarParts {
  ownership: Ownership
  joining: Joining
  dialing: Dialing
  router: Router
  workQueue: WorkQueue
  /** Closes sessions, some of them at a time. */
  endings: WorkQueue
  counters: Counters
  /** Everything for other nodes has left. */
  isQuiet: () => boolean
  onFault: (error: unknown) => void
}

/** Hands each request of each session to the part that decides. Unknown ones are dropped. */
export class Star {
  readonly #options: StarOptions
  readonly #parts: StarParts
  readonly #now: () => number
  readonly #sessionEntries = new Map<Session, SessionEntry>()
  #isDraining = false

  constructor(options: StarOptions, parts: StarParts, now: () => number = () => performance.now()) {
    this.#options = options
    this.#parts = parts
    this.#now = now
  }

  /** Sessions open now. */
  get sessions(): number {
    return this.#sessionEntries.size
  }

  /** A client has connected. */
  opened(session: Session): void {
    this.#sessionEntries.set(session, new SessionEntry(session, this.#now()))
  }

  /** A client asks for something. */
  requested(session: Session, name: string, args: unknown[], ack: Ack | undefined): void {
    const sessionEntry = this.#sessionEntries.get(session)
    if (sessionEntry === undefined) return
    switch (name) {
      case EVENTS.join:
        if (this.#isDraining) return this.#refuse('stopping', WIRE_ERRORS.serverStopping, ack)
        if (!this.#parts.joining.mayJoin(sessionEntry, ack)) return
        return this.#inTurn(sessionEntry, ack, () => void this.#parts.joining.join(sessionEntry, args, ack))
      case EVENTS.leave:
        if (!this.#parts.joining.mayLeave(sessionEntry))
          return this.#refuse('rate limit', WIRE_ERRORS.tooManyRequests, ack)
        return this.#afterJoins(sessionEntry, ack, () => this.#leaveRequested(sessionEntry, args, ack))
      case EVENTS.dial:
        if (sessionEntry.waiting >= WAITING_DIALS) return this.#refuse('busy', WIRE_ERRORS.tooManyRequests, ack)
        return this.#afterJoins(sessionEntry, ack, () => this.#parts.dialing.dial(sessionEntry, args, ack))
      default:
        if (ack === undefined) return this.#parts.counters.drop('unknown event')
        this.#refuse('unknown event', WIRE_ERRORS.unexpected, ack)
    }
  }

  /** A lost connection is a leave of every address, and the end of every stream. */
  ended(session: Session, reason: CloseReason): void {
    const sessionEntry = this.#sessionEntries.get(session)
    if (sessionEntry === undefined) return
    this.#sessionEntries.delete(session)
    this.#parts.joining.cancelAll(sessionEntry)
    this.#parts.ownership.releaseAll(sessionEntry)
    if (reason === 'server stop') this.#parts.router.detach(session, reason, WIRE_ERRORS.serverStopping)
    else this.#parts.router.detach(session)
  }

  /** Closes connections that nobody uses. */
  sweep(): void {
    const now = this.#now()
    for (const sessionEntry of this.#sessionEntries.values()) {
      sessionEntry.tidy()
      if (this.#isUsed(sessionEntry)) sessionEntry.idleSince = now
      else if (now - sessionEntry.idleSince >= this.#options.joinDeadline) {
        this.#parts.endings.take(() => this.#isUsed(sessionEntry) || sessionEntry.session.close('join deadline'))
      }
    }
  }

  /** Nobody may join any more: see {@link Star.drain}. */
  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Whoever comes may join. */
  open(): void {
    this.#isDraining = false
  }

  /**
   * Nobody joins any more, and those who have are sent elsewhere.
   *
   * @param timeout - milliseconds that streams have to finish
   */
  async drain(timeout: number): Promise<void> {
    this.#isDraining = true
    const view = {
      sessions: () => this.#sessionEntries.keys(),
      hasStreams: (session: Session) => this.#hasStreams(session),
      isQuiet: this.#parts.isQuiet
    }
    await new Drain(view, timeout).finished()
  }

  closeAll(): void {
    for (const session of this.#sessionEntries.keys()) session.close('server stop')
  }

  #isUsed({ addresses, session }: SessionEntry): boolean {
    return addresses.size > 0 || this.#hasStreams(session)
  }

  #hasStreams(session: Session): boolean {
    return this.#parts.router.halvesOf(session).size > 0
  }

  #refuse(reason: RefusalReason, message: string, ack: Ack | undefined): void {
    this.#parts.counters.refuse(reason)
    ack?.(message)
  }

  /** When many join at once they are served in order, between other things. */
  #inTurn(sessionEntry: SessionEntry, ack: Ack | undefined, action: () => void): void {
    sessionEntry.waiting++
    const hasRoom = this.#parts.workQueue.take(() => {
      sessionEntry.waiting--
      if (sessionEntry.session.ended) return
      try {
        action()
      } catch (error) {
        this.#parts.onFault(error)
      }
    })
    if (hasRoom) return
    sessionEntry.waiting--
    this.#refuse('busy', WIRE_ERRORS.tooManyRequests, ack)
  }

  /** At once, unless a join of the same client waits for its turn. */
  #afterJoins(sessionEntry: SessionEntry, ack: Ack | undefined, action: () => void): void {
    if (sessionEntry.waiting === 0) action()
    else this.#inTurn(sessionEntry, ack, action)
  }

  #leaveRequested(sessionEntry: SessionEntry, args: readonly unknown[], ack: Ack | undefined): void {
    let address
    try {
      address = parseLeaveRequest(args).address
    } catch (error) {
      this.#parts.counters.refuse(error instanceof InvalidAddressError ? 'address' : 'request')
      ack?.(wireErrorFor(error))
      return
    }
    this.#parts.joining.cancel(sessionEntry, address.canonical)
    const held = sessionEntry.addresses.get(address.canonical)
    if (held !== undefined) this.#parts.ownership.release(sessionEntry, held)
    ack?.(null)
  }
}
