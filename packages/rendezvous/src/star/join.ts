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
import type { Ownership } from './ownership.js'

export interface JoinOptions {
  cryptoChallenge: boolean
  strictMultiaddr: boolean
  /** What the star is called; empty: any name will do. */
  names: Pick<OwnNames, 'isEmpty' | 'leadsHere' | 'list'>
  nonceTtl: number
  minRsaBits: number
  addressesPerSession: number
  /** Address prefixes that may be in use at once. */
  prefixes: number
  /** Peers named in the answer to a join. */
  joinList: number
  pendingChallenges: number
}

/** Milliseconds that a join waits for the other nodes at most. */
const CLAIM_TIMEOUT = 1_000

/** Hex digits of a signature up to which checking it costs the price for RSA. */
const SIGNATURE_HEX = 850

type Challenge = PendingJoin & { state: 'challenged' }

/** A join that was refused: what the client is told, and what is counted. */
class JoinRefusal extends Error {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/**
 * Decides who may use an address. With the challenge on, a join takes two rounds: the client sends its public key and
 * gets a nonce, then sends the nonce's signature.
 */
export class Joining {
  readonly #options: JoinOptions
  readonly #registry: Registry
  readonly #ownership: Ownership
  readonly #discoveryBudget: DiscoveryBudget
  readonly #counters: Counters
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number
  /** Challenges that wait for their signature, oldest first, over all sessions. */
  readonly #challenges = new Map<PendingJoin, SessionEntry>()

  constructor(
    options: JoinOptions,
    registry: Registry,
    ownership: Ownership,
    discoveryBudget: DiscoveryBudget,
    counters: Counters,
    onFault: (error: unknown) => void,
    now: () => number = () => performance.now()
  ) {
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
   * Handles `ss-join`. Never throws and never rejects: whatever goes wrong is answered. As on the old server the total
   * counts first rounds, and second ones that fail.
   */
  async join(joiner: SessionEntry, args: readonly unknown[], ack: Ack | undefined): Promise<void> {
    try {
      await this.#join(joiner, args, ack)
    } catch (error) {
      this.#fail(error, ack)
    }
  }

  /** Counts a request to leave. @returns false if the session makes too many, joins among them */
  mayLeave(joiner: SessionEntry): boolean {
    const { account } = joiner.session
    if (!account.takeOwn('join')) return false
    account.charge('join')
    return true
  }

  /** Counts a request to join, and answers it if they come too often. @returns whether it may be made */
  mayJoin(joiner: SessionEntry, ack: Ack | undefined): boolean {
    if (this.mayLeave(joiner) && joiner.session.account.address.take('join')) return true
    this.#fail(new JoinRefusal('rate limit', WIRE_ERRORS.tooManyRequests), ack)
    return false
  }

  /** Forgets a join under way: its address was left, or its session is gone. */
  cancel(joiner: SessionEntry, canonical: string): void {
    const pending = joiner.pending.get(canonical)
    if (pending === undefined) return
    joiner.pending.delete(canonical)
    this.#challenges.delete(pending)
  }

  cancelAll(joiner: SessionEntry): void {
    for (const canonical of joiner.pending.keys()) this.cancel(joiner, canonical)
  }

  /** Forgets the challenges that were not answered in time. */
  sweep(): void {
    const now = this.#now()
    for (const [pending, joiner] of this.#challenges) {
      if (pending.state === 'challenged' && pending.expiresAt > now) return
      this.cancel(joiner, pending.address.canonical)
    }
  }

  #fail(error: unknown, ack: Ack | undefined): void {
    this.#counters.joins.total++
    this.#counters.joins.failure++
    this.#counters.refuse(error instanceof JoinRefusal ? error.reason : reasonOf(error))
    if (!(error instanceof JoinRefusal || error instanceof StarProtocolError)) this.#onFault(error)
    ack?.(error instanceof JoinRefusal ? error.message : wireErrorFor(error))
  }

  /**
   * The steps of a join. With the challenge on, a first request ends with the nonce, and the second begins by giving its
   * signature. After every wait the session may have gone, or left the address. Nothing is awaited that is there already, so
   * that requests which a client sends at once are answered in order.
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
      joiner.session.account.charge(type, type === 'RSA' ? Math.max(1, (data.length / SIGNATURE_HEX) ** 2) : 1)
      const isProven = await verifySignature(challenge.key, challenge.nonce, data)
      this.#endDecision(joiner, decision)
      if (!isProven) throw new JoinRefusal('signature', WIRE_ERRORS.signatureInvalid)
    }
    // Without a challenge an address belongs to the first who comes, for as long as that one is online.
    const owner = challenge === undefined ? this.#otherOwner(joiner, address) : undefined
    if (owner !== undefined) {
      const decision = this.#beginDecision(joiner, address)
      const isOnline = await this.#ownership.isThere(owner)
      this.#endDecision(joiner, decision)
      const present = this.#ownership.ownerOf(address)
      if (present !== undefined && (isOnline || !isSame(present, owner))) {
        throw new JoinRefusal('address in use', WIRE_ERRORS.addressInUse)
      }
    }
    // Once more, for others may have joined since the first request. From here to the claim nothing is awaited.
    this.#admitPrefix(address)

    // Nobody owns the address as far as this node has heard, but another node's client may have been first.
    const isUncontested = challenge === undefined && this.#ownership.ownerOf(address) === undefined
    const { entry, claim } = this.#ownership.claim(joiner, address, isUncontested)
    if (isUncontested) {
      if (!claim.isSettled) await this.#untilSettled(claim)
      this.#confirm(joiner, address, claim)
    }
    // The others hear of the newcomer before it hears of its success: old clients count on that order.
    const introduced = this.#registry.introduce(entry)
    if (introduced !== undefined) await introduced
    if (!claim.isSettled) await this.#untilSettled(claim)
    this.#requireOwned(joiner, address)

    if (challenge === undefined) this.#counters.joins.total++
    this.#counters.joins.success++
    try {
      this.#answer(joiner, ack)
      this.#registry.answered(joiner)
    } catch (error) {
      this.#onFault(error)
    }
  }

  /** Returns the challenge that this request answers. A nonce serves once, whatever comes of it. */
  #takeChallenge(joiner: SessionEntry, address: StarAddress): Challenge | undefined {
    const pending = joiner.pending.get(address.canonical)
    if (pending?.state === 'deciding') throw new JoinRefusal('request', WIRE_ERRORS.joinUnderWay)
    if (pending === undefined) return undefined
    this.cancel(joiner, address.canonical)
    return pending.expiresAt > this.#now() ? pending : undefined
  }

  /** Whether this session may try to join with this address at all. */
  #admit(joiner: SessionEntry, address: StarAddress): void {
    const { strictMultiaddr, cryptoChallenge, names, addressesPerSession } = this.#options
    if (strictMultiaddr && !address.strict) throw new JoinRefusal('address', WIRE_ERRORS.invalidMultiaddr)
    if (cryptoChallenge && address.peerId === undefined) throw new JoinRefusal('address', WIRE_ERRORS.invalidMultiaddr)
    if (!names.isEmpty && !names.leadsHere(address, joiner.session.remote.reach)) {
      throw new JoinRefusal('public address', unknownPublicAddress(address.prefix ?? address.canonical, names.list))
    }
    if (joiner.addresses.size + joiner.pending.size >= addressesPerSession) {
      throw new JoinRefusal('address limit', WIRE_ERRORS.tooManyAddresses)
    }
    this.#admitPrefix(address)
  }

  #admitPrefix(address: StarAddress): void {
    if (!this.#registry.hasRoomFor(address.prefix, this.#options.prefixes)) {
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
    joiner.pending.set(address.canonical, pending)
    this.#challenges.set(pending, joiner)
    if (this.#challenges.size > this.#options.pendingChallenges) this.#dropOldestChallenge()
    this.#counters.joins.total++
    ack?.(null, nonce)
  }

  /** Returns the owner of an address if that is not the session itself. */
  #otherOwner(joiner: SessionEntry, address: StarAddress): PeerOwner | PeerRecord | undefined {
    const owner = this.#ownership.ownerOf(address)
    return owner !== undefined && 'sessionEntry' in owner && owner.sessionEntry === joiner ? undefined : owner
  }

  /** Refuses the join if the address was left meanwhile. */
  #requireOwned(joiner: SessionEntry, { canonical }: StarAddress): void {
    if (!joiner.addresses.has(canonical)) throw new JoinRefusal('join left', WIRE_ERRORS.joinCancelled)
  }

  /** Refuses the join if the address was left, or if another node's client turns out to have been first. */
  #confirm(joiner: SessionEntry, address: StarAddress, claim: Claim): void {
    this.#requireOwned(joiner, address)
    if (!claim.isLost) return
    this.#ownership.release(joiner, address)
    throw new JoinRefusal('address in use', WIRE_ERRORS.addressInUse)
  }

  /** Marks a join as being decided upon, so that nothing else is done for its address meanwhile. */
  #beginDecision(joiner: SessionEntry, address: StarAddress): PendingJoin {
    const decision: PendingJoin = { state: 'deciding', address }
    joiner.pending.set(address.canonical, decision)
    return decision
  }

  /** After a wait: the session may have gone or left the address. */
  #endDecision(joiner: SessionEntry, decision: PendingJoin): void {
    const { canonical } = decision.address
    if (joiner.session.closing || joiner.pending.get(canonical) !== decision) {
      throw new JoinRefusal('join left', WIRE_ERRORS.joinCancelled)
    }
    joiner.pending.delete(canonical)
  }

  /** Waits until the other nodes of the star can find the peer; if they cannot be reached, not for long. */
  async #untilSettled(claim: Claim): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const timeout = new Promise<void>((resolve) => (timer = setTimeout(resolve, CLAIM_TIMEOUT).unref()))
    await Promise.race([claim.settled, timeout])
    clearTimeout(timer)
  }

  /** The second argument must be null: clients 0.8 and 0.9 take anything else for a nonce. */
  #answer(joiner: SessionEntry, ack: Ack | undefined): void {
    ack?.(null, null, joinList(this.#registry, this.#discoveryBudget, joiner, this.#options.joinList))
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
