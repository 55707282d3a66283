import { EVENTS, type StarAddress } from '@websocket-star/protocol'
import type { Backplane } from '../cluster/backplane.js'
import { eventText } from '../codec/packet.js'
import { Claim, type PeerRecord } from '../registry/claim.js'
import { isOwnedElsewhere, ownerOf, type PeerEntry, type PeerOwner } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'

/** Asks another node whether a client of it that holds a peer is there. */
export type RemoteProbe = (node: string, key: string) => Promise<boolean>

/**
 * Gives addresses to sessions and takes them away. Several sessions may share a peer. The newest is dialled; the others keep
 * their places while they answer, and become the owner again when the newer ones have left. Clients with the extensions are
 * told of both. The other nodes of the star hear of every change, and the owner may be theirs.
 */
export class Ownership {
  readonly #registry: Registry
  readonly #backplane: Backplane
  readonly #probeElsewhere: RemoteProbe
  readonly #takeoverTimeout: number
  readonly #onFault: (error: unknown) => void
  /** Those who are being asked whether they hold a peer again. */
  readonly #candidates = new WeakMap<PeerEntry, readonly PeerOwner[]>()

  /** @param takeoverTimeout - milliseconds an earlier owner has to answer a ping */
  constructor(
    registry: Registry,
    backplane: Backplane,
    probeElsewhere: RemoteProbe,
    takeoverTimeout: number,
    onFault: (error: unknown) => void
  ) {
    this.#registry = registry
    this.#backplane = backplane
    this.#probeElsewhere = probeElsewhere
    this.#takeoverTimeout = takeoverTimeout
    this.#onFault = onFault
  }

  /** The newest owner of a peer, under whatever address. */
  ownerOf(address: StarAddress): PeerOwner | PeerRecord | undefined {
    const entry = this.#registry.get(address)
    return entry === undefined ? undefined : ownerOf(entry)
  }

  /** Whether an owner shows that it is there: see {@link Session.probe}. */
  async isThere(owner: PeerOwner | PeerRecord): Promise<boolean> {
    if ('sessionEntry' in owner) return await owner.sessionEntry.session.probe(this.#takeoverTimeout)
    return await this.#probeElsewhere(owner.node, owner.key)
  }

  /** Answers another node: whether a session of this one that holds a peer is there. */
  async isHereAlive(key: string): Promise<boolean> {
    const owner = this.#registry.byKey(key)?.owners[0]
    return owner !== undefined && (await this.#keepIfAlive(owner))
  }

  /**
   * Makes a session the owner of an address. The claim settles when the other nodes know.
   *
   * @param isAgain - see {@link Claim.isAgain}
   */
  claim(sessionEntry: SessionEntry, address: StarAddress, isAgain = false): { entry: PeerEntry; claim: Claim } {
    const before = this.#registry.get(address)?.owners[0]
    const { entry, displaced } = this.#registry.claim(sessionEntry, address)
    if (displaced !== undefined) tell(EVENTS.taken, displaced)
    if (before !== undefined && before.sessionEntry !== sessionEntry) tell(EVENTS.taken, before)
    const claim = this.#claimForStar(entry, entry.owners[0]?.address ?? address, isAgain)
    this.#dropSilent(entry, sessionEntry)
    return { entry, claim }
  }

  /**
   * Another node has told of a peer that it holds.
   *
   * @param isAll - see {@link Registry.claimElsewhere}
   */
  claimElsewhere(record: PeerRecord, isAll = false): void {
    const known = this.#registry.byKey(record.key)
    const wasHere = known !== undefined && !isOwnedElsewhere(known)
    const { entry, isNew } = this.#registry.claimElsewhere(record, isAll) ?? {}
    if (entry === undefined) return
    if (isNew) void this.#registry.introduce(entry)
    if (wasHere && isOwnedElsewhere(entry)) this.#lost(entry)
  }

  /** No other node holds a peer any more, as far as that generation. */
  releaseElsewhere(key: string, generation: number): void {
    const known = this.#registry.byKey(key)
    const wasElsewhere = known !== undefined && isOwnedElsewhere(known)
    const entry = this.#registry.releaseElsewhere(key, generation)
    if (entry === undefined) return
    if (wasElsewhere) return this.#promote(entry, entry.owners)
    // The claim of this node is on its way, and may turn out to be the older one: then nobody holds the peer any more.
    if (entry.claim !== undefined) this.#promoteIfOutdone(entry, entry.claim, generation).catch(this.#onFault)
  }

  async #promoteIfOutdone(entry: PeerEntry, claim: Claim, generation: number): Promise<void> {
    await claim.settled
    if (claim.rank >= generation || entry.claim !== claim || isOwnedElsewhere(entry)) return
    this.#promote(entry, entry.owners)
  }

  /**
   * All that other nodes hold.
   *
   * @param unsure - nodes that may hold more
   */
  reconcileElsewhere(records: readonly PeerRecord[], unsure: ReadonlySet<string> = new Set()): void {
    const held = new Set(records.map(({ key }) => key))
    for (const { key, remote } of this.#registry.peers()) {
      if (remote === undefined || held.has(key) || unsure.has(remote.node)) continue
      this.releaseElsewhere(key, remote.generation)
    }
    for (const record of records) this.claimElsewhere(record, true)
  }

  /** Takes all of its addresses from a session. */
  releaseAll(sessionEntry: SessionEntry): void {
    for (const address of sessionEntry.addresses.values()) this.release(sessionEntry, address)
  }

  /**
   * Takes an address from a session. When the owner of a peer leaves, the newest of those it had taken over from that
   * answers a ping becomes the owner again.
   */
  release(sessionEntry: SessionEntry, address: StarAddress): void {
    const before = this.#registry.get(address)
    const entry = this.#registry.release(sessionEntry, address)
    if (before?.owners.length === 0) this.#giveUp(before)
    if (entry === undefined || isOwnedElsewhere(entry)) return
    this.#promote(
      entry,
      entry.owners.filter((owner) => owner.sessionEntry !== sessionEntry)
    )
  }

  /** Nobody on this node holds the peer any more. */
  #giveUp(entry: PeerEntry): void {
    const { claim } = entry
    if (claim === undefined) return
    entry.claim = undefined
    this.#backplane.release(claim)
  }

  #promote(entry: PeerEntry, candidates: readonly PeerOwner[]): void {
    if (candidates.length === 0) return
    this.#candidates.set(entry, candidates)
    this.#promoteFirstAlive(entry, candidates).catch(this.#onFault)
  }

  async #promoteFirstAlive(entry: PeerEntry, candidates: readonly PeerOwner[]): Promise<void> {
    for (const candidate of candidates) {
      const alive = await this.#keepIfAlive(candidate)
      // Of those who are left others are being asked, since one more has left.
      if (this.#candidates.get(entry) !== candidates) return
      // Somebody may have joined meanwhile: the newest join wins.
      const [newest] = entry.owners
      if (newest === undefined || !candidates.includes(newest) || isOwnedElsewhere(entry)) return
      if (!alive) continue
      this.#registry.promote(entry, candidate)
      const claim = this.#claimForStar(entry, candidate.address, true)
      await claim.settled
      // Another node's client may have been faster.
      if (!claim.isLost) tell(EVENTS.held, candidate)
      return
    }
  }

  #claimForStar(entry: PeerEntry, { canonical }: StarAddress, isAgain: boolean): Claim {
    const claim = new Claim(entry.key, canonical, isAgain)
    entry.claim = claim
    this.#backplane.claim(claim)
    if (claim.isSettled) this.#yieldIfOlder(entry, claim)
    else claim.settled.then(() => this.#yieldIfOlder(entry, claim)).catch(this.#onFault)
    return claim
  }

  /** Another node may have claimed the peer after this claim, and been heard of before. */
  #yieldIfOlder(entry: PeerEntry, claim: Claim): void {
    if (entry.claim === claim && !claim.isLost && isOwnedElsewhere(entry)) this.#lost(entry)
  }

  /** A session of this node held a peer, and one of another node has taken over. */
  #lost(entry: PeerEntry): void {
    const [newest] = entry.owners
    if (newest !== undefined) tell(EVENTS.taken, newest)
    for (const owner of entry.owners) this.#keepIfAlive(owner).catch(this.#onFault)
  }

  /**
   * A peer that comes back under another prefix may have left a half-open connection under its first, to which the dials
   * for that very address would go.
   */
  #dropSilent(entry: PeerEntry, newest: SessionEntry): void {
    for (const owner of entry.owners) {
      if (owner.sessionEntry !== newest) this.#keepIfAlive(owner).catch(this.#onFault)
    }
  }

  /**
   * Asks the owner of an address whether it is there, and takes the address from it if it does not answer. Should it be
   * there after all, the join deadline makes it connect anew.
   *
   * @returns whether it holds the address still
   */
  async #keepIfAlive(owner: PeerOwner): Promise<boolean> {
    const alive = await owner.sessionEntry.session.probe(this.#takeoverTimeout)
    const isHeld = this.#registry.get(owner.address)?.owners.includes(owner) ?? false
    if (!alive && isHeld) {
      const entry = this.#registry.get(owner.address)
      this.#registry.release(owner.sessionEntry, owner.address)
      if (entry?.owners.length === 0) this.#giveUp(entry)
    }
    return alive && isHeld
  }
}

/** Tells an owner what became of its peer, if it can hear it. */
function tell(event: typeof EVENTS.taken | typeof EVENTS.held, { sessionEntry, address }: PeerOwner): void {
  if (sessionEntry.session.extended) sessionEntry.session.sendText(eventText(event, [address.canonical]))
}
