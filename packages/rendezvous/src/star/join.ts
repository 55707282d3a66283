import {
  createNonce,
  parseJoinRequest,
  parsePublicKey,
  StarProtocolError,
  unknownPublicAddress,
  verifySignature,
  WIRE_ERRORS,
  wireErrorFor,
  type StarAddress
} from '@websocket-star/protocol'
import type { DiscoveryBudget } from '../discovery/budget.js'
import type { OwnNames } from '../names/own-names.js'
import type { Claim, PeerRecord } from '../registry/claim.js'
import type { PeerOwner } from '../registry/peer-entry.js'
import type { PendingJoin, SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'
import type { Counters, RefusalReason } from '../stats.js'
import type { Ack } from '../transport/receiver.js'
import { joinList } from './join-list.js'
import { offerOf, whoIs, type SessionLog } from './session-log.js'
import type { Ownership } from './ownership.js'

export interface JoinOptions {
  cryptoChallenge: boolean
  strictMultiaddr: boolean
  /** Names under which peers may join; any if empty. */
  names: Pick<OwnNames, 'isEmpty' | 'leadsHere' | 'list'>
  nonceTtl: number
  minRsaBits: number
  addressesPerSession: number
  maxPrefixes: number
  /** Maximum number of peers named in the answer to a join. */
  joinListSize: number
  pendingChallenges: number
}

/** Milliseconds that a join waits for the star's registry. */
const CLAIM_TIMEOUT = 1_000

/** Hex digits of an RSA signature up to which a join has the base price. Beyond, the price grows with the square of the length. */
const BASE_SIGNATURE_LENGTH = 850

type Challenge = PendingJoin & { state: 'challenged' }

class JoinRefusal extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * Handles joins. With the challenge on, a join takes two requests: the client sends its public key and gets a nonce, then sends
 * the signature of the nonce.
 */
export class Joining {
  readonly #options: JoinOptions
  readonly #registry: Registry
  readonly #ownership: Ownership
  readonly #discoveryBudget: DiscoveryBudget
  readonly #counters: Counters
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number
  readonly #log: SessionLog | undefined
  /** Unanswered challenges of all sessions, oldest first. */
  readonly #challenges = new Map<PendingJoin, SessionEntry>()

  constructor(
    options: JoinOptions,
    registry: Registry,
    ownership: Ownership,
    discoveryBudget: DiscoveryBudget,
    counters: Counters,
    onFault: (error: unknown) => void,
    now: () => number = () => performance.now(),
    log?: SessionLog
  ) {
    this.#log = log
    this.#onFault = onFault
    this.#options = options
    this.#registry = registry
    this.#ownership = ownership
    this.#discoveryBudget = discoveryBudget
    this.#counters = counters
    this.#now = now
  }

  get pendingChallenges(): number {
    return this.#challenges.size
  }

  /**
   * Handles `ss-join`. It never rejects; errors are sent in the acknowledgement. As on the old server, `joins.total` counts the
   * first request of each join, and a second request only if the second one fails.
   */
  async join(joiner: SessionEntry, args: readonly unknown[], ack: Ack | undefined): Promise<void> {
    try {
      await this.#join(joiner, args, ack)
    } catch (error) {
      this.#fail(error, joiner, args, ack)
    }
  }

  /** Charges a request to leave. @returns false if the session makes too many requests to join and leave */
  chargeLeave(joiner: SessionEntry): boolean {
    const { account } = joiner.session
    if (!account.admitOwnRequest('join')) return false
    account.charge('join')
    return true
  }

  /** Charges a request to join, and refuses it above the rate limit. @returns whether the join may proceed */
  chargeJoin(joiner: SessionEntry, ack: Ack | undefined): boolean {
    if (this.chargeLeave(joiner) && joiner.session.account.address.admitRequest('join')) return true
    this.#fail(new JoinRefusal('rate limit', WIRE_ERRORS.tooManyRequests), joiner, [], ack)
    return false
  }

  cancel(joiner: SessionEntry, canonical: string): void {
    const pending = joiner.pendingJoins.get(canonical)
    if (pending === undefined) return
    joiner.pendingJoins.delete(canonical)
    this.#challenges.delete(pending)
  }

  cancelAll(joiner: SessionEntry): void {
    for (const canonical of joiner.pendingJoins.keys()) this.cancel(joiner, canonical)
  }

  sweep(): void {
    const now = this.#now()
    for (const [pending, joiner] of this.#challenges) {
      if (pending.state === 'challenged' && pending.expiresAt > now) return
      this.cancel(joiner, pending.address.canonical)
    }
  }

  #fail(error: unknown, joiner: SessionEntry, args: readonly unknown[], ack: Ack | undefined): void {
    this.#counters.joins.total++
    this.#counters.joins.failure++
    const reason = error instanceof JoinRefusal ? error.reason : reasonOf(error)
    const answer = error instanceof JoinRefusal ? error.message : wireErrorFor(error)
    this.#counters.refuse(reason, () => ({
      ...whoIs(joiner),
      ...offerOf(args[0]),
      answer,
      ...(reason === 'rate limit'
        ? { option: '--max-join-rounds-per-second, --max-join-rounds-per-second-per-ip' }
        : {})
    }))
    if (!(error instanceof JoinRefusal || error instanceof StarProtocolError)) this.#onFault(error)
    ack?.(answer)
  }

  /**
   * Performs the steps of a join. With the challenge on, the first request ends with the nonce. After every `await` the session
   * may have disconnected or left the address. A needless `await` would reorder the answers to requests sent together.
   */
  async #join(joiner: SessionEntry, args: readonly unknown[], ack: Ack | undefined): Promise<void> {
    const { address, data } = parseJoinRequest(args)
    if (joiner.addresses.has(address.canonical)) return this.#answer(joiner, ack)
    const challenge = this.#takeChallenge(joiner, address)
    if (challenge === undefined) this.#admit(joiner, address)
    if (challenge === undefined && this.#options.cryptoChallenge) return this.#challenge(joiner, address, data, ack)

    if (challenge !== undefined) {
      const decision = this.#beginDecision(joiner, address)
      const { type } = challenge.key
      joiner.session.account.charge(type, type === 'RSA' ? Math.max(1, (data.length / BASE_SIGNATURE_LENGTH) ** 2) : 1)
      const isProven = await verifySignature(challenge.key, challenge.nonce, data)
      this.#endDecision(joiner, decision)
      if (!isProven) throw new JoinRefusal('signature', WIRE_ERRORS.signatureInvalid)
    }
    // Without a challenge an address belongs to the first session that joins, as long as it is online.
    const owner = challenge === undefined ? this.#otherOwner(joiner, address) : undefined
    if (owner !== undefined) {
      const decision = this.#beginDecision(joiner, address)
      const isAlive = await this.#ownership.isOnline(owner)
      this.#endDecision(joiner, decision)
      const current = this.#ownership.ownerOf(address)
      if (current !== undefined && (isAlive || !isSame(current, owner))) {
        throw new JoinRefusal('address in use', WIRE_ERRORS.addressInUse)
      }
    }
    // Checked again, since other joins may have used up the limit. There is no await from here to the claim.
    this.#admitPrefix(address)

    // Without a challenge the first client wins, so claim only if no other node has an owner. #confirm checks the outcome.
    const onlyIfFree = challenge === undefined && this.#ownership.ownerOf(address) === undefined
    const { entry, claim } = this.#ownership.claim(joiner, address, onlyIfFree)
    if (onlyIfFree) {
      if (!claim.isSettled) await this.#untilSettled(claim)
      this.#confirm(joiner, address, claim)
    }
    // Legacy clients rely on this order: the server tells other clients about the peer, and then answers its join.
    const announced = this.#registry.announceNewcomer(entry)
    if (announced !== undefined) await announced
    if (!claim.isSettled) await this.#untilSettled(claim)
    this.#requireOwned(joiner, address)

    if (challenge === undefined) this.#counters.joins.total++
    this.#counters.joins.success++
    this.#log?.joined(joiner, address)
    try {
      this.#answer(joiner, ack)
      this.#registry.joinAnswered(joiner)
    } catch (error) {
      this.#onFault(error)
    }
  }

  /** Returns the challenge that this request answers, and deletes it: a nonce is used once, even if the join fails. */
  #takeChallenge(joiner: SessionEntry, address: StarAddress): Challenge | undefined {
    const pending = joiner.pendingJoins.get(address.canonical)
    if (pending?.state === 'deciding') throw new JoinRefusal('request', WIRE_ERRORS.joinUnderWay)
    if (pending === undefined) return undefined
    this.cancel(joiner, address.canonical)
    return pending.expiresAt > this.#now() ? pending : undefined
  }

  /** Throws if the session may not join with this address. */
  #admit(joiner: SessionEntry, address: StarAddress): void {
    const { strictMultiaddr, cryptoChallenge, names, addressesPerSession } = this.#options
    if (strictMultiaddr && !address.strict) throw new JoinRefusal('address', WIRE_ERRORS.invalidMultiaddr)
    if (cryptoChallenge && address.peerId === undefined) throw new JoinRefusal('address', WIRE_ERRORS.invalidMultiaddr)
    if (!names.isEmpty && !names.leadsHere(address, joiner.session.remote.scope)) {
      throw new JoinRefusal('public address', unknownPublicAddress(address.prefix ?? address.canonical, names.list))
    }
    if (joiner.addresses.size + joiner.pendingJoins.size >= addressesPerSession) {
      throw new JoinRefusal('address limit', WIRE_ERRORS.tooManyAddresses)
    }
    this.#admitPrefix(address)
  }

  #admitPrefix(address: StarAddress): void {
    if (!this.#registry.hasRoomFor(address.prefix, this.#options.maxPrefixes)) {
      throw new JoinRefusal('prefix limit', WIRE_ERRORS.tooManyPrefixes)
    }
  }

  #challenge(joiner: SessionEntry, address: StarAddress, data: string, ack: Ack | undefined): void {
    if (data === '') throw new JoinRefusal('challenge required', WIRE_ERRORS.challengeRequired)
    const key = parsePublicKey(data, { minRsaBits: this.#options.minRsaBits })
    if (address.peerId === undefined || !key.peerIds.includes(address.peerId)) {
      throw new JoinRefusal('id mismatch', WIRE_ERRORS.idNotMatching)
    }
    const nonce = createNonce(address)
    const expiresAt = this.#now() + this.#options.nonceTtl
    const pending: Challenge = { state: 'challenged', address, key, nonce, expiresAt }
    joiner.pendingJoins.set(address.canonical, pending)
    this.#challenges.set(pending, joiner)
    if (this.#challenges.size > this.#options.pendingChallenges) this.#dropOldestChallenge()
    this.#counters.joins.total++
    this.#log?.challenged(joiner, address)
    ack?.(null, nonce)
  }

  #otherOwner(joiner: SessionEntry, address: StarAddress): PeerOwner | PeerRecord | undefined {
    const owner = this.#ownership.ownerOf(address)
    return owner !== undefined && 'sessionEntry' in owner && owner.sessionEntry === joiner ? undefined : owner
  }

  /** Throws if the session has left the address meanwhile. */
  #requireOwned(joiner: SessionEntry, { canonical }: StarAddress): void {
    if (!joiner.addresses.has(canonical)) throw new JoinRefusal('join left', WIRE_ERRORS.joinCancelled)
  }

  /** Throws if the session has left the address, or if another node already had an owner of the peer. */
  #confirm(joiner: SessionEntry, address: StarAddress, claim: Claim): void {
    this.#requireOwned(joiner, address)
    if (!claim.isLost) return
    this.#ownership.release(joiner, address)
    throw new JoinRefusal('address in use', WIRE_ERRORS.addressInUse)
  }

  /** Records that a join is being decided. Until {@link #endDecision}, the session's other joins with the address are refused. */
  #beginDecision(joiner: SessionEntry, address: StarAddress): PendingJoin {
    const decision: PendingJoin = { state: 'deciding', address }
    joiner.pendingJoins.set(address.canonical, decision)
    return decision
  }

  /** Throws if the session has disconnected, or left the address, during the decision. */
  #endDecision(joiner: SessionEntry, decision: PendingJoin): void {
    const { canonical } = decision.address
    if (joiner.session.closing || joiner.pendingJoins.get(canonical) !== decision) {
      throw new JoinRefusal('join left', WIRE_ERRORS.joinCancelled)
    }
    joiner.pendingJoins.delete(canonical)
  }

  /** Waits until the star's registry has answered the claim, at most {@link CLAIM_TIMEOUT}. */
  async #untilSettled(claim: Claim): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLAIM_TIMEOUT).unref()))
    await Promise.race([claim.settled, timeout])
    clearTimeout(timer)
  }

  /** The second argument must be null: clients 0.8 and 0.9 would read anything else as a nonce. */
  #answer(joiner: SessionEntry, ack: Ack | undefined): void {
    ack?.(null, null, joinList(this.#registry, this.#discoveryBudget, joiner, this.#options.joinListSize))
  }

  #dropOldestChallenge(): void {
    const [oldest] = this.#challenges
    if (oldest !== undefined) this.cancel(oldest[1], oldest[0].address.canonical)
  }
}

function isSame(one: PeerOwner | PeerRecord, other: PeerOwner | PeerRecord): boolean {
  if ('sessionEntry' in one || 'sessionEntry' in other) return one === other
  return one.node === other.node && one.generation === other.generation
}

function reasonOf(error: unknown): RefusalReason {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ERR_INVALID_ADDRESS') return 'address'
  if (code === 'ERR_INVALID_KEY') return 'crypto'
  return 'request'
}
