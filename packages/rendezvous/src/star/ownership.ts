import { EVENTS, type StarAddress } from '@websocket-star/protocol'
import type { Backplane } from '../cluster/backplane.js'
import { eventText } from '../codec/packet.js'
import { Claim, type PeerRecord } from '../registry/claim.js'
import { isOwnedElsewhere, ownerOf, type PeerEntry, type PeerOwner } from '../registry/peer-entry.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'

/** Number of a peer's latest sessions that one takeover pings. It bounds the cost of a takeover if many clients share a key. */
const PINGED_AT_ONCE = 4

/** Asks another node whether the peer's owner there still answers. */
export type RemoteProbe = (node: string, key: string) => Promise<boolean>

/**
 * Decides which session owns each peer. Several sessions may join as one peer: the latest is the owner. The others stay joined as
 * long as they answer pings. When the owner leaves, the latest of the others becomes the owner. Extended clients are notified when
 * they lose or regain a peer. When a session of this node becomes the owner, this node claims the peer in the star's registry. The
 * owner may also be a session of another node.
 */
export class Ownership {
  readonly #registry: Registry
  readonly #backplane: Backplane
  readonly #probeElsewhere: RemoteProbe
  readonly #takeoverTimeout: number
  readonly #onFault: (error: unknown) => void
  /** For each search of a new owner, the sessions to ping. */
  readonly #candidates = new WeakMap<PeerEntry, readonly PeerOwner[]>()

  /** @param takeoverTimeout - milliseconds within which a session must answer a ping */
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

  /** Returns the owner of a peer, whichever address it joined with. */
  ownerOf(address: StarAddress): PeerOwner | PeerRecord | undefined {
    const entry = this.#registry.get(address)
    return entry === undefined ? undefined : ownerOf(entry)
  }

  /** Returns whether the client of an owner is alive: see {@link Session.probe}. */
  async isOnline(owner: PeerOwner | PeerRecord): Promise<boolean> {
    if ('sessionEntry' in owner) return await owner.sessionEntry.session.probe(this.#takeoverTimeout)
    return await this.#probeElsewhere(owner.node, owner.key)
  }

  /** Pings the peer's owner on this node, for another node. @returns whether the owner answers */
  async isOnlineHere(key: string): Promise<boolean> {
    const owner = this.#registry.byKey(key)?.owners[0]
    return owner !== undefined && (await this.#keepIfAlive(owner))
  }

  /** Makes a session the owner of an address; for `onlyIfFree` see {@link Claim}. */
  claim(sessionEntry: SessionEntry, address: StarAddress, onlyIfFree = false): { entry: PeerEntry; claim: Claim } {
    const before = this.#registry.get(address)?.owners[0]
    const entry = this.#registry.claim(sessionEntry, address)
    if (before !== undefined && before.sessionEntry !== sessionEntry) notify(EVENTS.taken, before)
    const claim = this.#claimForStar(entry, entry.owners[0]?.address ?? address, onlyIfFree)
    this.#dropSilent(entry, sessionEntry)
    return { entry, claim }
  }

  /** Records that another node owns a peer: see {@link Registry.claimElsewhere}. */
  claimElsewhere(record: PeerRecord, isSnapshot = false): void {
    const known = this.#registry.byKey(record.key)
    const wasHere = known !== undefined && !isOwnedElsewhere(known)
    const { entry, isNew } = this.#registry.claimElsewhere(record, isSnapshot) ?? {}
    if (entry === undefined) return
    if (isNew) void this.#registry.announceNewcomer(entry)
    if (wasHere && isOwnedElsewhere(entry)) this.#yield(entry)
  }

  /** Removes another node's claim to a peer, unless that claim's generation is above `generation`. */
  releaseElsewhere(key: string, generation: number): void {
    const known = this.#registry.byKey(key)
    const wasElsewhere = known !== undefined && isOwnedElsewhere(known)
    const entry = this.#registry.releaseElsewhere(key, generation)
    if (entry === undefined) return
    if (wasElsewhere) return this.#promote(entry, entry.owners)
    // This node's claim may still be pending. If it gets a lower generation than the released claim, or is lost, the release has
    // left the peer without an owner in the star's registry, and a session here claims the peer again.
    if (entry.claim !== undefined) this.#promoteIfOlder(entry, entry.claim, generation).catch(this.#onFault)
  }

  async #promoteIfOlder(entry: PeerEntry, claim: Claim, generation: number): Promise<void> {
    await claim.settled
    if (claim.rank >= generation || entry.claim !== claim || isOwnedElsewhere(entry)) return
    this.#promote(entry, entry.owners)
  }

  /** Replaces all records of other nodes. The nodes of `unsure` may own more peers than `records` contains. */
  reconcileElsewhere(records: readonly PeerRecord[], unsure: ReadonlySet<string> = new Set()): void {
    const owned = new Set(records.map(({ key }) => key))
    for (const { key, remote } of this.#registry.peers()) {
      if (remote === undefined || owned.has(key) || unsure.has(remote.node)) continue
      this.releaseElsewhere(key, remote.generation)
    }
    for (const record of records) this.claimElsewhere(record, true)
  }

  releaseAll(sessionEntry: SessionEntry): void {
    for (const address of sessionEntry.addresses.values()) this.release(sessionEntry, address)
  }

  /** Removes an address from a session. If the session was the owner, the latest other one that answers a ping takes over. */
  release(sessionEntry: SessionEntry, address: StarAddress): void {
    const before = this.#registry.get(address)
    const entry = this.#registry.release(sessionEntry, address)
    if (before?.owners.length === 0) this.#releaseClaim(before)
    if (entry === undefined || isOwnedElsewhere(entry)) return
    this.#promote(
      entry,
      entry.owners.filter((owner) => owner.sessionEntry !== sessionEntry)
    )
  }

  /** Releases this node's claim to a peer that has no session here any more. */
  #releaseClaim(entry: PeerEntry): void {
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
      // Another session has left meanwhile, which began a new search.
      if (this.#candidates.get(entry) !== candidates) return
      // A session that joined meanwhile is the owner.
      const [first] = entry.owners
      if (first === undefined || !candidates.includes(first) || isOwnedElsewhere(entry)) return
      if (!alive) continue
      this.#registry.promote(entry, candidate)
      const claim = this.#claimForStar(entry, candidate.address, true)
      await claim.settled
      // A client of another node may have been faster.
      if (!claim.isLost) notify(EVENTS.held, candidate)
      return
    }
  }

  #claimForStar(entry: PeerEntry, { canonical }: StarAddress, onlyIfFree: boolean): Claim {
    const claim = new Claim(entry.key, canonical, onlyIfFree)
    entry.claim = claim
    this.#backplane.claim(claim)
    if (claim.isSettled) this.#yieldIfOlder(entry, claim)
    else claim.settled.then(() => this.#yieldIfOlder(entry, claim)).catch(this.#onFault)
    return claim
  }

  /** Notifies the owner here if a later claim of another node was reported while `claim` was pending. */
  #yieldIfOlder(entry: PeerEntry, claim: Claim): void {
    if (entry.claim === claim && !claim.isLost && isOwnedElsewhere(entry)) this.#yield(entry)
  }

  /** Tells the owner on this node that a session of another node has taken over. */
  #yield(entry: PeerEntry): void {
    const [first] = entry.owners
    if (first !== undefined) notify(EVENTS.taken, first)
    for (const owner of entry.owners.slice(0, PINGED_AT_ONCE)) this.#keepIfAlive(owner).catch(this.#onFault)
  }

  /**
   * Pings the other sessions of a peer, and removes those that do not answer. A client may have lost its session without the
   * server noticing, and have joined again under another prefix. Dials to the first address would still go to the lost session.
   */
  #dropSilent(entry: PeerEntry, owner: SessionEntry): void {
    for (const other of entry.owners.slice(0, PINGED_AT_ONCE + 1)) {
      if (other.sessionEntry !== owner) this.#keepIfAlive(other).catch(this.#onFault)
    }
  }

  /**
   * Pings a session, and removes its address if there is no answer. If the client is alive after all and this was its last
   * address, its session is closed after `joinDeadline`, the limit for sessions without addresses and streams. So the client
   * reconnects.
   *
   * @returns whether the session answered and still has the address
   */
  async #keepIfAlive(owner: PeerOwner): Promise<boolean> {
    const alive = await owner.sessionEntry.session.probe(this.#takeoverTimeout)
    const isOwner = this.#registry.get(owner.address)?.owners.includes(owner) ?? false
    if (!alive && isOwner) {
      const entry = this.#registry.get(owner.address)
      this.#registry.release(owner.sessionEntry, owner.address)
      if (entry?.owners.length === 0) this.#releaseClaim(entry)
    }
    return alive && isOwner
  }
}

/** Tells a session about a takeover of its peer, if its client is extended. */
function notify(event: typeof EVENTS.taken | typeof EVENTS.held, { sessionEntry, address }: PeerOwner): void {
  if (sessionEntry.session.extended) sessionEntry.session.sendText(eventText(event, [address.canonical]))
}
