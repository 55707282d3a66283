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
  type DialRequest,
  type StarAddress
} from '@websocket-star/protocol'
import type { Backplane } from '../cluster/backplane.js'
import type { Channels, IncomingDial } from '../cluster/channels.js'
import type { PeerRecord } from '../registry/claim.js'
import { keyOf, type PeerOwner } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'
import type { Endpoint } from '../relay/endpoint.js'
import type { Half } from '../relay/half.js'
import type { Router } from '../relay/router.js'
import type { Counters, RefusalReason } from '../stats.js'
import type { RequestOutcome } from '../transport/acks.js'
import type { Ack } from '../transport/receiver.js'
import type { Session } from '../transport/session.js'
import { PendingDials } from './pending-dials.js'

export interface DialOptions {
  /** Milliseconds the dialled peer has to answer. */
  ackTimeout: number
  pendingDialsPerSession: number
  /** Stream halves of one session that may wait for their receivers. */
  unacceptedStreams: number
}

/** Why a dial is not made: what is counted, and what the dialler is told. */
type DialRefusal = readonly [reason: RefusalReason, message: string]

const DIAL_ID: DialRefusal = ['dial id', WIRE_ERRORS.dialIdInUse]
const DIALER_FULL: DialRefusal = ['stream limit', WIRE_ERRORS.tooManyStreams]
const CALLEE_FULL: DialRefusal = ['stream limit of callee', WIRE_ERRORS.calleeFull]

/** A dial that may be made. */
interface Dial extends DialRequest {
  readonly dialer: SessionEntry
  readonly ack: Ack | undefined
  /** Another node has said once that it does not hold the peer. */
  isRepeated: boolean
}

/** Brings two peers together: asks the dialled one, and opens the two halves of the dial. */
export class Dialing {
  readonly #options: DialOptions
  readonly #registry: Registry
  readonly #router: Router
  readonly #backplane: Pick<Backplane, 'isFenced' | 'hasOthers' | 'lookup'>
  readonly #channels: Pick<Channels, 'open'>
  readonly #counters: Counters
  readonly #pending = new PendingDials()
  readonly #onFault: (error: unknown) => void

  constructor(
    options: DialOptions,
    registry: Registry,
    router: Router,
    backplane: Pick<Backplane, 'isFenced' | 'hasOthers' | 'lookup'>,
    channels: Pick<Channels, 'open'>,
    counters: Counters,
    onFault: (error: unknown) => void
  ) {
    this.#onFault = onFault
    this.#options = options
    this.#registry = registry
    this.#router = router
    this.#backplane = backplane
    this.#channels = channels
    this.#counters = counters
  }

  /** Handles `ss-dial`. Never throws: whatever goes wrong is answered. */
  dial(dialer: SessionEntry, args: readonly unknown[], ack: Ack | undefined): void {
    this.#counters.dials.total++
    const { account } = dialer.session
    if (!account.take('dial')) return this.#refuse('rate limit', WIRE_ERRORS.tooManyRequests, ack)
    account.charge('dial')
    let request
    try {
      request = parseDialRequest(args)
    } catch (error) {
      if (!(error instanceof StarProtocolError)) this.#onFault(error)
      return this.#refuse(error instanceof InvalidAddressError ? 'address' : 'request', wireErrorFor(error), ack)
    }
    if (!dialer.addresses.has(request.from.canonical)) {
      return this.#refuse('not authorized', WIRE_ERRORS.notAuthorized, ack)
    }
    const dial: Dial = { ...request, dialer, ack, isRepeated: false }
    const target = this.#registry.find(request.to)
    if (target !== undefined) this.#dialOwner(dial, target)
    else if (this.#backplane.hasOthers) this.#lookUp(dial)
    else this.#refuse('peer not found', WIRE_ERRORS.peerNotFound, ack)
  }

  /** Handles a dial from another node's client: the same questions are asked about the client of this one. */
  answer({ channel, from, to, dialId, answer }: IncomingDial): void {
    let request
    try {
      request = parseDialRequest([from, to, dialId])
    } catch (error) {
      return answer(false, wireErrorFor(error))
    }
    const callee = this.#registry.findHere(request.to)?.sessionEntry
    if (callee === undefined) return answer(false, WIRE_ERRORS.peerNotFound)
    const { session } = callee
    const refusal = this.#refusalOfCallee(session, channel, dialId)
    if (refusal !== undefined) return answer(session.extended, refusal[1])
    this.#pending.add(session, dialId)
    const half = this.#router.openFirst(halfName(dialId, 'dialer'), channel, session)
    this.#ask(callee, half, request, (failure) => {
      this.#pending.settle(session, dialId)
      answer(session.extended, failure?.[1])
    })
  }

  /** The registry of the star may know more than this node has heard of. */
  #lookUp(dial: Dial): void {
    const { dialer, to, dialId, ack } = dial
    const refusal = this.#refusalOfDialer(dial)
    if (refusal !== undefined) return this.#refuse(...refusal, ack)
    this.#pending.addAsked(dialer.session, dialId)
    this.#backplane
      .lookup(keyOf(to))
      .catch(() => {}) // nobody can be asked
      .then((record) => {
        this.#pending.settleAsked(dialer.session, dialId)
        const known = dial.isRepeated ? this.#registry.findHere(to) : this.#registry.find(to)
        const target = known ?? record ?? undefined
        // The session may have gone, or left, meanwhile.
        if (target === undefined || !dialer.addresses.has(dial.from.canonical)) {
          return this.#refuse('peer not found', WIRE_ERRORS.peerNotFound, ack)
        }
        this.#dialOwner(dial, target)
      })
      .catch(this.#onFault)
  }

  #dialOwner(dial: Dial, target: PeerOwner | PeerRecord): void {
    const { from, to, dialer, ack } = dial
    const isHere = 'sessionEntry' in target
    if ((isHere && target.sessionEntry === dialer) || (to.peerId !== undefined && to.peerId === from.peerId)) {
      return this.#refuse('own peer', WIRE_ERRORS.cannotDialSelf, ack)
    }
    const { session } = dialer
    const callee = isHere ? target.sessionEntry.session : undefined
    const refusal =
      this.#refusalOfDialer(dial) ??
      (callee === undefined ? undefined : this.#refusalOfCallee(callee, session, dial.dialId))
    if (refusal !== undefined) return this.#refuse(...refusal, ack)
    // Last, for nothing gives way to a dial that is refused.
    if (!this.#router.makeRoom(session, session)) return this.#refuse(...DIALER_FULL, ack)
    if (isHere) this.#dialHere(dial, target.sessionEntry)
    else this.#dialElsewhere(dial, target)
  }

  #dialHere(dial: Dial, callee: SessionEntry): void {
    const { dialer, dialId, ack } = dial
    this.#pending.addAsked(dialer.session, dialId)
    this.#pending.add(callee.session, dialId)
    // The dialer's half has to be there before the callee can accept it.
    const half = this.#router.openFirst(halfName(dialId, 'dialer'), dialer.session, callee.session)
    this.#ask(callee, half, dial, (failure) => {
      this.#pending.settleAsked(dialer.session, dialId)
      this.#pending.settle(callee.session, dialId)
      this.#tell(failure, ack)
    })
  }

  /** Asks a client of this node. */
  #ask(
    callee: SessionEntry,
    half: Half,
    { from, dialId }: DialRequest,
    answered: (failure: DialRefusal | undefined) => void
  ): void {
    const caller = callerUnder(from, callee.prefix)
    callee.session.request(EVENTS.incoming, [dialId, caller], this.#options.ackTimeout, (outcome) =>
      answered(this.#conclude(half, dialId, outcome))
    )
  }

  #dialElsewhere(dial: Dial, { node }: PeerRecord): void {
    const { dialer, from, to, dialId, ack } = dial
    if (this.#backplane.isFenced) return this.#refuse('node unreachable', WIRE_ERRORS.notReachable, ack)
    const { session } = dialer
    this.#pending.addAsked(session, dialId)
    let half: Half | undefined
    this.#channels.open(
      node,
      {
        dialId,
        from: from.canonical,
        to: to.canonical,
        isExtended: session.extended,
        network: session.account.address.network
      },
      (channel) => {
        half = this.#router.openFirst(halfName(dialId, 'dialer'), session, channel)
      },
      (outcome) => {
        this.#pending.settleAsked(session, dialId)
        if (half === undefined) return
        const failure = this.#conclude(half, dialId, outcome)
        // The peer may have moved on just before: then somebody else holds it.
        if (failure?.[1] === WIRE_ERRORS.peerNotFound && !dial.isRepeated && !session.ended) {
          dial.isRepeated = true
          return this.#lookUp(dial)
        }
        this.#tell(failure, ack)
      }
    )
  }

  /** Whether a dial of that id uses either of its two streams at a session, or is going to. */
  #isLive(session: Session, dialId: string): boolean {
    return (
      this.#pending.has(session, dialId) ||
      this.#router.find(session, halfName(dialId, 'dialer')) !== undefined ||
      this.#router.find(session, halfName(dialId, 'listener')) !== undefined
    )
  }

  /** Returns why a session may not dial now. */
  #refusalOfDialer({ dialer: { session }, dialId }: Dial): DialRefusal | undefined {
    const { unacceptedStreams, pendingDialsPerSession } = this.#options
    if (this.#isLive(session, dialId)) return DIAL_ID
    if (!this.#router.hasRoom(session)) return DIALER_FULL
    if (this.#router.unacceptedOf(session) >= unacceptedStreams) {
      return ['unaccepted limit', WIRE_ERRORS.tooManyUnaccepted]
    }
    if (this.#pending.askedBy(session) >= pendingDialsPerSession) return ['dial limit', WIRE_ERRORS.tooManyRequests]
    return undefined
  }

  /** Returns why a session cannot be dialled now. If it can, others have given way if need be. */
  #refusalOfCallee(callee: Session, dialer: Endpoint, dialId: string): DialRefusal | undefined {
    if (this.#isLive(callee, dialId)) return DIAL_ID
    return this.#router.makeRoom(callee, dialer) ? undefined : CALLEE_FULL
  }

  /** Opens the callee's half, if the dial was taken. @returns why it was not */
  #conclude(half: Half, dialId: string, outcome: RequestOutcome): DialRefusal | undefined {
    this.#router.awaitNoMore(half)
    if (!outcome.answered) {
      this.#router.drop(half)
      if (outcome.reason === 'closed') return ['peer left', WIRE_ERRORS.peerLeft]
      // Should the callee have begun to listen, it learns that nothing will come.
      half.receiver.sendError(half.stream, WIRE_ERRORS.dialTimeout)
      return ['dial timeout', WIRE_ERRORS.dialTimeout]
    }
    const error = ackError(outcome.args[0])
    if (error !== undefined) {
      this.#router.drop(half)
      return ['dial refused', error]
    }
    // The dialer may have gone, or broken its half, while the callee was asked.
    const failure = half.failure ?? (half.sender.ended ? WIRE_ERRORS.peerLeft : undefined)
    if (failure !== undefined) {
      half.receiver.sendError(halfName(dialId, 'listener'), failure)
      return ['stream reset', failure]
    }
    this.#router.open(halfName(dialId, 'listener'), half.receiver, half.sender, half)
    return undefined
  }

  #tell(failure: DialRefusal | undefined, ack: Ack | undefined): void {
    if (failure !== undefined) return this.#refuse(...failure, ack)
    this.#counters.dials.success++
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
