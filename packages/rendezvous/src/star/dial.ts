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
import { whoIs, type SessionLog } from './session-log.js'

export interface DialOptions {
  /** Milliseconds within which the callee must answer. */
  ackTimeout: number
  pendingDialsPerSession: number
  /** Maximum of unaccepted halves in connections that one session dialled. */
  unacceptedStreams: number
}

/** Refusal of a dial: the counted reason, and the message to the dialer. */
type DialRefusal = readonly [reason: RefusalReason, message: string]

const DIAL_ID: DialRefusal = ['dial id', WIRE_ERRORS.dialIdInUse]
const DIALER_FULL: DialRefusal = ['stream limit', WIRE_ERRORS.tooManyStreams]
const CALLEE_FULL: DialRefusal = ['stream limit of callee', WIRE_ERRORS.calleeFull]

interface Dial extends DialRequest {
  readonly dialer: SessionEntry
  readonly ack: Ack | undefined
  /** The dial was sent again, because the first node did not have the peer any more. */
  isRepeated: boolean
}

/** Handles dials: asks the callee, and opens the two halves of the connection. */
export class Dialing {
  readonly #options: DialOptions
  readonly #registry: Registry
  readonly #router: Router
  readonly #backplane: Pick<Backplane, 'isFenced' | 'hasOthers' | 'lookup'>
  readonly #channels: Pick<Channels, 'open'>
  readonly #counters: Counters
  readonly #pending = new PendingDials()
  readonly #onFault: (error: unknown) => void
  readonly #log: SessionLog | undefined

  constructor(
    options: DialOptions,
    registry: Registry,
    router: Router,
    backplane: Pick<Backplane, 'isFenced' | 'hasOthers' | 'lookup'>,
    channels: Pick<Channels, 'open'>,
    counters: Counters,
    onFault: (error: unknown) => void,
    log?: SessionLog
  ) {
    this.#log = log
    this.#onFault = onFault
    this.#options = options
    this.#registry = registry
    this.#router = router
    this.#backplane = backplane
    this.#channels = channels
    this.#counters = counters
  }

  /** Handles `ss-dial`. It never throws; errors are sent in the acknowledgement. */
  dial(dialer: SessionEntry, args: readonly unknown[], ack: Ack | undefined): void {
    this.#counters.dials.total++
    const { account } = dialer.session
    if (!account.admitRequest('dial')) return this.#refuse(dialer, 'rate limit', WIRE_ERRORS.tooManyRequests, ack)
    account.charge('dial')
    let request
    try {
      request = parseDialRequest(args)
    } catch (error) {
      if (!(error instanceof StarProtocolError)) this.#onFault(error)
      return this.#refuse(
        dialer,
        error instanceof InvalidAddressError ? 'address' : 'request',
        wireErrorFor(error),
        ack
      )
    }
    if (!dialer.addresses.has(request.from.canonical)) {
      return this.#refuse(dialer, 'not authorized', WIRE_ERRORS.notAuthorized, ack)
    }
    const dial: Dial = { ...request, dialer, ack, isRepeated: false }
    const target = this.#registry.find(request.to)
    if (target !== undefined) this.#dialOwner(dial, target)
    else if (this.#backplane.hasOthers) this.#lookUp(dial)
    else this.#refuse(dialer, 'peer not found', WIRE_ERRORS.peerNotFound, ack)
  }

  /** Handles a dial that comes from another node. That node has checked the dialer, so only the callee is checked here. */
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

  /** Looks a peer up in the star's registry, which may have claims that this node has not received yet. */
  #lookUp(dial: Dial): void {
    const { dialer, to, dialId, ack } = dial
    const refusal = this.#refusalOfDialer(dial)
    if (refusal !== undefined) return this.#refuse(dialer, ...refusal, ack)
    this.#pending.addRequested(dialer.session, dialId)
    this.#backplane
      .lookup(keyOf(to))
      .catch(() => {}) // without the registry the peer is not found
      .then((record) => {
        this.#pending.settleRequested(dialer.session, dialId)
        const known = dial.isRepeated ? this.#registry.findHere(to) : this.#registry.find(to)
        const target = known ?? record ?? undefined
        // The session may have disconnected, or left the address, meanwhile.
        if (target === undefined || !dialer.addresses.has(dial.from.canonical)) {
          return this.#refuse(dialer, 'peer not found', WIRE_ERRORS.peerNotFound, ack)
        }
        this.#dialOwner(dial, target)
      })
      .catch(this.#onFault)
  }

  #dialOwner(dial: Dial, target: PeerOwner | PeerRecord): void {
    const { from, to, dialer, ack } = dial
    const isHere = 'sessionEntry' in target
    if ((isHere && target.sessionEntry === dialer) || (to.peerId !== undefined && to.peerId === from.peerId)) {
      return this.#refuse(dialer, 'own peer', WIRE_ERRORS.cannotDialSelf, ack)
    }
    const { session } = dialer
    const callee = isHere ? target.sessionEntry.session : undefined
    const refusal =
      this.#refusalOfDialer(dial) ??
      (callee === undefined ? undefined : this.#refusalOfCallee(callee, session, dial.dialId))
    if (refusal !== undefined) return this.#refuse(dialer, ...refusal, ack)
    // Last, so that no connection gives way to a dial that is refused.
    if (!this.#router.makeRoom(session, session)) return this.#refuse(dialer, ...DIALER_FULL, ack)
    if (isHere) this.#dialHere(dial, target.sessionEntry)
    else this.#dialElsewhere(dial, target)
  }

  #dialHere(dial: Dial, callee: SessionEntry): void {
    const { dialer, dialId } = dial
    this.#pending.addRequested(dialer.session, dialId)
    this.#pending.add(callee.session, dialId)
    // Opened before the request, because the callee may accept the dialer's half before it answers.
    const half = this.#router.openFirst(halfName(dialId, 'dialer'), dialer.session, callee.session)
    this.#ask(callee, half, dial, (failure) => {
      this.#pending.settleRequested(dialer.session, dialId)
      this.#pending.settle(callee.session, dialId)
      this.#finish(dial, failure)
    })
  }

  #ask(
    callee: SessionEntry,
    half: Half,
    { from, dialId }: DialRequest,
    answered: (failure: DialRefusal | undefined) => void
  ): void {
    const dialer = dialerUnder(from, callee.prefix)
    callee.session.request(EVENTS.incoming, [dialId, dialer], this.#options.ackTimeout, (outcome) =>
      answered(this.#conclude(half, dialId, outcome))
    )
  }

  #dialElsewhere(dial: Dial, { node }: PeerRecord): void {
    const { dialer, from, to, dialId, ack } = dial
    if (this.#backplane.isFenced) return this.#refuse(dialer, 'node unreachable', WIRE_ERRORS.notReachable, ack)
    const { session } = dialer
    this.#pending.addRequested(session, dialId)
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
        this.#pending.settleRequested(session, dialId)
        if (half === undefined) return
        const failure = this.#conclude(half, dialId, outcome)
        // The peer may have just moved to another session.
        if (failure?.[1] === WIRE_ERRORS.peerNotFound && !dial.isRepeated && !session.ended) {
          dial.isRepeated = true
          return this.#lookUp(dial)
        }
        this.#finish(dial, failure)
      }
    )
  }

  /** Returns whether a dial id is in use at a session, by an open half or by a dial in progress. */
  #isInUse(session: Session, dialId: string): boolean {
    return (
      this.#pending.has(session, dialId) ||
      this.#router.find(session, halfName(dialId, 'dialer')) !== undefined ||
      this.#router.find(session, halfName(dialId, 'listener')) !== undefined
    )
  }

  /** Returns the reason why a session may not dial now, if any. */
  #refusalOfDialer({ dialer: { session }, dialId }: Dial): DialRefusal | undefined {
    const { unacceptedStreams, pendingDialsPerSession } = this.#options
    if (this.#isInUse(session, dialId)) return DIAL_ID
    if (!this.#router.hasRoom(session)) return DIALER_FULL
    if (this.#router.unacceptedOf(session) >= unacceptedStreams) {
      return ['unaccepted limit', WIRE_ERRORS.tooManyUnaccepted]
    }
    if (this.#pending.requestedBy(session) >= pendingDialsPerSession) return ['dial limit', WIRE_ERRORS.tooManyRequests]
    return undefined
  }

  /** Returns the reason why a session cannot be dialled now, if any. Otherwise makes room for the connection. */
  #refusalOfCallee(callee: Session, dialer: Endpoint, dialId: string): DialRefusal | undefined {
    if (this.#isInUse(callee, dialId)) return DIAL_ID
    return this.#router.makeRoom(callee, dialer) ? undefined : CALLEE_FULL
  }

  /** Opens the callee's half. @returns the refusal if the callee did not accept the dial */
  #conclude(half: Half, dialId: string, outcome: RequestOutcome): DialRefusal | undefined {
    this.#router.releaseReservation(half)
    if (!outcome.answered) {
      this.#router.drop(half)
      if (outcome.reason === 'closed') return ['peer left', WIRE_ERRORS.peerLeft]
      // The callee may have accepted the half already.
      half.receiver.sendError(half.stream, WIRE_ERRORS.dialTimeout)
      return ['dial timeout', WIRE_ERRORS.dialTimeout]
    }
    const error = ackError(outcome.args[0])
    if (error !== undefined) {
      this.#router.drop(half)
      return ['dial refused', error]
    }
    // The dialer may have disconnected, or ended its half, while the callee was asked.
    const failure = half.failure ?? (half.sender.ended ? WIRE_ERRORS.peerLeft : undefined)
    if (failure !== undefined) {
      half.receiver.sendError(halfName(dialId, 'listener'), failure)
      return ['stream reset', failure]
    }
    this.#router.open(halfName(dialId, 'listener'), half.receiver, half.sender, half)
    return undefined
  }

  #finish({ dialer, to, ack }: Dial, failure: DialRefusal | undefined): void {
    if (failure !== undefined) return this.#refuse(dialer, ...failure, ack)
    this.#counters.dials.success++
    this.#log?.dialled(dialer, to)
    ack?.()
  }

  #refuse(dialer: SessionEntry, reason: RefusalReason, answer: string, ack: Ack | undefined): void {
    this.#counters.dials.failure++
    const option = reason === 'rate limit' ? '--max-dials-per-second, --max-dials-per-second-per-ip' : undefined
    this.#counters.refuse(reason, () => ({ ...whoIs(dialer), answer, ...(option === undefined ? {} : { option }) }))
    ack?.(answer)
  }
}

/** Returns the dialer's address under the prefix of the callee, so that the callee can dial back. */
function dialerUnder(address: StarAddress, prefix: string | undefined): string {
  return address.peerId === undefined || prefix === undefined
    ? address.legacy
    : rebase(address.peerId, prefix, 'legacy')
}
