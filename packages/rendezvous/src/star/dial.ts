import {
  ackError,
  EVENTS,
  halfName,
  InvalidAddressError,
  parseDialRequest,
  rebase,
  StarProtocolError,
  WIRE_ERRORS,
  wireErrorFor,
  type StarAddress
} from '@websocket-star/protocol'
import type { Proxy } from '../relay/proxy.js'
import type { Router } from '../relay/router.js'
import type { Counters, RefusalReason } from '../stats.js'
import type { Ack, Session } from '../wire/session.js'
import type { RequestOutcome } from '../wire/acks.js'
import { IpRates } from './ip-rates.js'
import type { Member } from './member.js'
import type { Registry } from './registry.js'
import { BURST, TokenBucket } from './token-bucket.js'

export interface DialOptions {
  /** Milliseconds the dialled peer has to answer. */
  ackTimeout: number
  pendingDialsPerSession: number
  /** Stream halves of one session that may wait for their receivers. */
  unacceptedStreams: number
  dialsPerSecond: number
  dialsPerSecondPerIp: number
}

/** Brings two peers together: asks the dialled one, and opens the two halves of the dial. */
export class Dialing {
  readonly #options: DialOptions
  readonly #registry: Registry
  readonly #router: Router
  readonly #counters: Counters
  /** The ids of the dials that wait for an answer, at both ends: their second halves are still to come. */
  readonly #waiting = new Map<Session, Set<string>>()
  /** How many of them each session asked for. */
  readonly #asked = new Map<Session, number>()

  readonly #rateOf = new WeakMap<Session, TokenBucket>()
  readonly #ipRates: IpRates
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number

  constructor(
    options: DialOptions,
    registry: Registry,
    router: Router,
    counters: Counters,
    onFault: (error: unknown) => void,
    now: () => number = () => performance.now()
  ) {
    this.#onFault = onFault
    this.#now = now
    this.#ipRates = new IpRates(options.dialsPerSecondPerIp)
    this.#options = options
    this.#registry = registry
    this.#router = router
    this.#counters = counters
  }

  /** Handles `ss-dial`. Never throws: whatever goes wrong is answered. */
  dial(member: Member, args: readonly unknown[], ack: Ack | undefined): void {
    this.#counters.dials.total++
    if (!this.#mayDial(member.session)) return this.#refuse('rate limit', WIRE_ERRORS.tooManyRequests, ack)
    let request
    try {
      request = parseDialRequest(args)
    } catch (error) {
      if (!(error instanceof StarProtocolError)) this.#onFault(error)
      return this.#refuse(error instanceof InvalidAddressError ? 'address' : 'request', wireErrorFor(error), ack)
    }
    const { from, to, dialId } = request
    if (!member.addresses.has(from.canonical)) return this.#refuse('not authorized', WIRE_ERRORS.notAuthorized, ack)
    const target = this.#registry.find(to)?.member
    if (target === undefined) return this.#refuse('peer not found', WIRE_ERRORS.peerNotFound, ack)
    if (target === member || (to.peerId !== undefined && to.peerId === from.peerId)) {
      return this.#refuse('own peer', WIRE_ERRORS.cannotDialSelf, ack)
    }
    for (const { session } of [member, target]) {
      if (this.#isLive(session, dialId)) return this.#refuse('dial id', WIRE_ERRORS.dialIdInUse, ack)
      if (!this.#router.hasRoom(session, 2 + (this.#waiting.get(session)?.size ?? 0))) {
        return this.#refuse('stream limit', WIRE_ERRORS.tooManyStreams, ack)
      }
    }
    if (this.#router.unacceptedOf(member.session) >= this.#options.unacceptedStreams) {
      return this.#refuse('unaccepted limit', WIRE_ERRORS.tooManyUnaccepted, ack)
    }
    const asked = this.#asked.get(member.session) ?? 0
    if (asked >= this.#options.pendingDialsPerSession) {
      return this.#refuse('dial limit', WIRE_ERRORS.tooManyRequests, ack)
    }
    this.#wait(member.session, target.session, dialId, asked)

    // The dialer's half has to be there before the callee can accept it.
    const half = this.#router.open(halfName(dialId, 'dialer'), member.session, target.session)
    const caller = callerUnder(from, target.prefix)
    target.session.request(EVENTS.incoming, [dialId, caller], this.#options.ackTimeout, (outcome) => {
      this.#settle(member.session, target.session, dialId)
      this.#conclude(half, dialId, outcome, ack)
    })
  }

  sweep(): void {
    this.#ipRates.sweep(this.#now())
  }

  #mayDial(session: Session): boolean {
    const now = this.#now()
    const { dialsPerSecond } = this.#options
    let bucket = this.#rateOf.get(session)
    if (bucket === undefined) {
      bucket = new TokenBucket(dialsPerSecond, dialsPerSecond * BURST, now)
      this.#rateOf.set(session, bucket)
    }
    return bucket.take(now) && this.#ipRates.take(session.remote, now)
  }

  /** Whether a dial of that id uses either of its two streams at a session, or is going to. */
  #isLive(session: Session, dialId: string): boolean {
    return (
      this.#waiting.get(session)?.has(dialId) === true ||
      session.routes.has(halfName(dialId, 'dialer')) ||
      session.routes.has(halfName(dialId, 'listener'))
    )
  }

  #wait(dialer: Session, callee: Session, dialId: string, asked: number): void {
    this.#asked.set(dialer, asked + 1)
    for (const session of [dialer, callee]) {
      const ids = this.#waiting.get(session)
      if (ids === undefined) this.#waiting.set(session, new Set([dialId]))
      else ids.add(dialId)
    }
  }

  #settle(dialer: Session, callee: Session, dialId: string): void {
    const asked = (this.#asked.get(dialer) ?? 1) - 1
    if (asked > 0) this.#asked.set(dialer, asked)
    else this.#asked.delete(dialer)
    for (const session of [dialer, callee]) {
      const ids = this.#waiting.get(session)
      ids?.delete(dialId)
      if (ids?.size === 0) this.#waiting.delete(session)
    }
  }

  #conclude(half: Proxy, dialId: string, outcome: RequestOutcome, ack: Ack | undefined): void {
    if (!outcome.answered) {
      this.#router.drop(half)
      if (outcome.reason === 'closed') return this.#refuse('peer left', WIRE_ERRORS.peerLeft, ack)
      // Should the callee have begun to listen, it learns that nothing will come.
      half.receiver.sendError(half.stream, WIRE_ERRORS.dialTimeout)
      return this.#refuse('dial timeout', WIRE_ERRORS.dialTimeout, ack)
    }
    const error = ackError(outcome.args[0])
    if (error !== undefined) {
      this.#router.drop(half)
      return this.#refuse('dial refused', error, ack)
    }
    // The dialer may have gone, or broken its half, while the callee was asked.
    const failure = half.failure ?? (half.sender.ended ? WIRE_ERRORS.peerLeft : undefined)
    if (failure !== undefined) {
      half.receiver.sendError(halfName(dialId, 'listener'), failure)
      return this.#refuse('stream reset', failure, ack)
    }
    this.#counters.dials.success++
    this.#router.open(halfName(dialId, 'listener'), half.receiver, half.sender, half)
    ack?.()
  }

  #refuse(reason: RefusalReason, message: string, ack: Ack | undefined): void {
    this.#counters.dials.failure++
    this.#counters.refuse(reason)
    ack?.(message)
  }
}

/** The caller as the callee can dial it back. */
function callerUnder(address: StarAddress, prefix: string | undefined): string {
  return address.peerId === undefined || prefix === undefined
    ? address.legacy
    : rebase(address.peerId, prefix, 'legacy')
}
