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
import { whoIs, type SessionLog } from './session-log.js'

export interface SessionsOptions {
  /** Milliseconds that a session may stay open without a joined address and without a stream. */
  joinDeadline: number
}

/** Number of queued requests of a session at which its dials are refused. */
const QUEUED_REQUESTS = 100

export interface SessionsComponents {
  ownership: Ownership
  joining: Joining
  dialing: Dialing
  router: Router
  workQueue: WorkQueue
  endings: WorkQueue
  counters: Counters
  isQuiet: () => boolean
  onFault: (error: unknown) => void
  log?: SessionLog | undefined
}

/** All sessions of the server. Passes each request to the part that handles it, and drops unknown ones. */
export class Sessions {
  readonly #options: SessionsOptions
  readonly #components: SessionsComponents
  readonly #now: () => number
  readonly #sessionEntries = new Map<Session, SessionEntry>()
  #isDraining = false
  /** Number of sessions since the server was created. */
  #opened = 0

  constructor(options: SessionsOptions, components: SessionsComponents, now: () => number = () => performance.now()) {
    this.#options = options
    this.#components = components
    this.#now = now
  }

  get size(): number {
    return this.#sessionEntries.size
  }

  opened(session: Session): void {
    const sessionEntry = new SessionEntry(session, this.#now(), ++this.#opened)
    this.#sessionEntries.set(session, sessionEntry)
    this.#components.log?.opened(sessionEntry)
  }

  requested(session: Session, name: string, args: unknown[], ack: Ack | undefined): void {
    const sessionEntry = this.#sessionEntries.get(session)
    if (sessionEntry === undefined) return
    switch (name) {
      case EVENTS.join:
        if (this.#isDraining) return this.#refuse(sessionEntry, 'stopping', WIRE_ERRORS.serverStopping, ack)
        if (!this.#components.joining.chargeJoin(sessionEntry, ack)) return
        return this.#enqueue(sessionEntry, ack, () => void this.#components.joining.join(sessionEntry, args, ack))
      case EVENTS.leave:
        if (!this.#components.joining.chargeLeave(sessionEntry))
          return this.#refuse(sessionEntry, 'rate limit', WIRE_ERRORS.tooManyRequests, ack)
        return this.#afterJoins(sessionEntry, ack, () => this.#leaveRequested(sessionEntry, args, ack))
      case EVENTS.dial:
        if (sessionEntry.queuedRequests >= QUEUED_REQUESTS)
          return this.#refuse(sessionEntry, 'busy', WIRE_ERRORS.tooManyRequests, ack)
        return this.#afterJoins(sessionEntry, ack, () => this.#components.dialing.dial(sessionEntry, args, ack))
      case EVENTS.sync:
        return ack?.()
      default:
        if (ack === undefined) return this.#components.counters.drop('unknown event')
        this.#refuse(sessionEntry, 'unknown event', WIRE_ERRORS.unexpected, ack, name)
    }
  }

  /** Removes a session that has ended from its addresses, and ends its streams. */
  ended(session: Session, reason: CloseReason): void {
    const sessionEntry = this.#sessionEntries.get(session)
    if (sessionEntry === undefined) return
    this.#sessionEntries.delete(session)
    this.#components.log?.ended(sessionEntry, reason)
    this.#components.joining.cancelAll(sessionEntry)
    this.#components.ownership.releaseAll(sessionEntry)
    if (reason === 'server stop') this.#components.router.detach(session, reason, WIRE_ERRORS.serverStopping)
    else this.#components.router.detach(session)
  }

  sweep(): void {
    const now = this.#now()
    for (const sessionEntry of this.#sessionEntries.values()) {
      sessionEntry.tidy()
      if (this.#isUsed(sessionEntry)) sessionEntry.idleSince = now
      else if (now - sessionEntry.idleSince >= this.#options.joinDeadline) {
        this.#components.endings.submit(() => this.#isUsed(sessionEntry) || sessionEntry.session.close('join deadline'))
      }
    }
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** Accepts joins again, after a drain or when it was cancelled. */
  open(): void {
    this.#isDraining = false
  }

  /**
   * Refuses joins, and sends clients to other servers: see {@link Drain}. Streams have `timeout` milliseconds to finish. If
   * the signal aborts, joins are refused until {@link open}.
   */
  async drain(timeout: number, signal?: AbortSignal): Promise<void> {
    this.#isDraining = true
    const view = {
      sessions: () => this.#sessionEntries.keys(),
      hasStreams: (session: Session) => this.#hasStreams(session),
      isQuiet: this.#components.isQuiet
    }
    await new Drain(view, timeout).finished(signal)
  }

  closeAll(): void {
    for (const session of this.#sessionEntries.keys()) session.close('server stop')
  }

  #isUsed({ addresses, session }: SessionEntry): boolean {
    return addresses.size > 0 || this.#hasStreams(session)
  }

  #hasStreams(session: Session): boolean {
    return this.#components.router.halvesOf(session).size > 0
  }

  #refuse(
    sessionEntry: SessionEntry,
    reason: RefusalReason,
    answer: string,
    ack: Ack | undefined,
    offered?: string
  ): void {
    this.#components.counters.refuse(reason, () => ({ ...whoIs(sessionEntry), offered, answer }))
    ack?.(answer)
  }

  /** Puts a request into the work queue, and refuses it if the queue is full. */
  #enqueue(sessionEntry: SessionEntry, ack: Ack | undefined, action: () => void): void {
    sessionEntry.queuedRequests++
    const hasRoom = this.#components.workQueue.submit(() => {
      sessionEntry.queuedRequests--
      if (sessionEntry.session.ended) return
      try {
        action()
      } catch (error) {
        this.#components.onFault(error)
      }
    })
    if (hasRoom) return
    sessionEntry.queuedRequests--
    this.#refuse(sessionEntry, 'busy', WIRE_ERRORS.tooManyRequests, ack)
  }

  /** Handles a request at once, or after the queued joins of the same session. */
  #afterJoins(sessionEntry: SessionEntry, ack: Ack | undefined, action: () => void): void {
    if (sessionEntry.queuedRequests === 0) action()
    else this.#enqueue(sessionEntry, ack, action)
  }

  #leaveRequested(sessionEntry: SessionEntry, args: readonly unknown[], ack: Ack | undefined): void {
    let address
    try {
      address = parseLeaveRequest(args).address
    } catch (error) {
      const reason = error instanceof InvalidAddressError ? 'address' : 'request'
      return this.#refuse(sessionEntry, reason, wireErrorFor(error), ack)
    }
    this.#components.joining.cancel(sessionEntry, address.canonical)
    const joined = sessionEntry.addresses.get(address.canonical)
    if (joined !== undefined) {
      this.#components.ownership.release(sessionEntry, joined)
      this.#components.log?.left(sessionEntry, joined)
    }
    ack?.(null)
  }
}
