import { EVENTS, type StarAddress } from '@websocket-star/protocol'
import type { Backplane } from '../cluster/backplane.js'
import { eventText } from '../codec/packet.js'
import { Claim, type PeerRecord } from '../registry/claim.js'
import { isElsewhere, newestOf, type Entry, type Holder } from '../registry/entry.js'
import type { Member } from '../registry/member.js'
import type { Registry } from '../registry/registry.js'

/** Asks another node whether a client of it that holds a peer is there. */
export type RemoteProbe = (node: string, key: string) => Promise<boolean>

/**
 * Gives addresses to sessions and takes them away. Several sessions may share a peer. The newest is dialled; the others keep
 * their places while they answer, and become the owner again when the newer ones have left. Clients with the extensions are
 * told of both. The other nodes of the star hear of every change, and the owner may be theirs.
 */
export class Takeover {
  readonly #registry: Registry
  readonly #backplane: Backplane
  readonly #probeElsewhere: RemoteProbe
  readonly #takeoverTimeout: number
  readonly #onFault: (error: unknown) => void
  /** Those who are being asked whether they hold a peer again. */
  readonly #candidates = new WeakMap<Entry, readonly Holder[]>()

  /** @param takeoverTimeout - milliseconds an earlier holder has to answer a ping */
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

  /** The newest holder of a peer, under whatever address. */
  newest(address: StarAddress): Holder | PeerRecord | undefined {
    const entry = this.#registry.get(address)
    return entry === undefined ? undefined : newestOf(entry)
  }

  /** Whether a holder shows that it is there: see {@link Session.probe}. */
  async isThere(holder: Holder | PeerRecord): Promise<boolean> {
    if ('member' in holder) return await holder.member.session.probe(this.#takeoverTimeout)
    return await this.#probeElsewhere(holder.node, holder.key)
  }

  /** Answers another node: whether a session of this one that holds a peer is there. */
  async isHereAlive(key: string): Promise<boolean> {
    const holder = this.#registry.byKey(key)?.holders[0]
    return holder !== undefined && (await this.#keepIfAlive(holder))
  }

  /**
   * Makes a session the owner of an address. The claim settles when the other nodes know.
   *
   * @param isAgain - see {@link Claim.isAgain}
   */
  claim(member: Member, address: StarAddress, isAgain = false): { entry: Entry; claim: Claim } {
    const before = this.#registry.get(address)?.holders[0]
    const { entry, displaced } = this.#registry.claim(member, address)
    if (displaced !== undefined) tell(EVENTS.taken, displaced)
    if (before !== undefined && before.member !== member) tell(EVENTS.taken, before)
    const claim = this.#claimForStar(entry, entry.holders[0]?.address ?? address, isAgain)
    this.#dropSilent(entry, member)
    return { entry, claim }
  }

  /**
   * Another node has told of a peer that it holds.
   *
   * @param isAll - see {@link Registry.claimElsewhere}
   */
  claimElsewhere(record: PeerRecord, isAll = false): void {
    const known = this.#registry.byKey(record.key)
    const wasHere = known !== undefined && !isElsewhere(known)
    const { entry, isNew } = this.#registry.claimElsewhere(record, isAll) ?? {}
    if (entry === undefined) return
    if (isNew) void this.#registry.introduce(entry)
    if (wasHere && isElsewhere(entry)) this.#lost(entry)
  }

  /** No other node holds a peer any more, as far as that generation. */
  releaseElsewhere(key: string, generation: number): void {
    const known = this.#registry.byKey(key)
    const wasElsewhere = known !== undefined && isElsewhere(known)
    const entry = this.#registry.releaseElsewhere(key, generation)
    if (entry === undefined) return
    if (wasElsewhere) return this.#promote(entry, entry.holders)
    // The claim of this node is on its way, and may turn out to be the older one: then nobody holds the peer any more.
    if (entry.claim !== undefined) this.#promoteIfOutdone(entry, entry.claim, generation).catch(this.#onFault)
  }

  async #promoteIfOutdone(entry: Entry, claim: Claim, generation: number): Promise<void> {
    await claim.settled
    if (claim.rank >= generation || entry.claim !== claim || isElsewhere(entry)) return
    this.#promote(entry, entry.holders)
  }

  /**
   * All that other nodes hold.
   *
   * @param unsure - nodes that may hold more
   */
  holdElsewhere(records: readonly PeerRecord[], unsure: ReadonlySet<string> = new Set()): void {
    const held = new Set(records.map(({ key }) => key))
    for (const { key, remote } of this.#registry.peers()) {
      if (remote === undefined || held.has(key) || unsure.has(remote.node)) continue
      this.releaseElsewhere(key, remote.generation)
    }
    for (const record of records) this.claimElsewhere(record, true)
  }

  /** Takes all of its addresses from a session. */
  releaseAll(member: Member): void {
    for (const address of member.addresses.values()) this.release(member, address)
  }

  /**
   * Takes an address from a session. When the owner of a peer leaves, the newest of those it had taken over from that
   * answers a ping becomes the owner again.
   */
  release(member: Member, address: StarAddress): void {
    const before = this.#registry.get(address)
    const entry = this.#registry.release(member, address)
    if (before?.holders.length === 0) this.#giveUp(before)
    if (entry === undefined || isElsewhere(entry)) return
    this.#promote(
      entry,
      entry.holders.filter((holder) => holder.member !== member)
    )
  }

  /** Nobody on this node holds the peer any more. */
  #giveUp(entry: Entry): void {
    const { claim } = entry
    if (claim === undefined) return
    entry.claim = undefined
    this.#backplane.release(claim)
  }

  #promote(entry: Entry, candidates: readonly Holder[]): void {
    if (candidates.length === 0) return
    this.#candidates.set(entry, candidates)
    this.#promoteFirstAlive(entry, candidates).catch(this.#onFault)
  }

  async #promoteFirstAlive(entry: Entry, candidates: readonly Holder[]): Promise<void> {
    for (const candidate of candidates) {
      const alive = await this.#keepIfAlive(candidate)
      // Of those who are left others are being asked, since one more has left.
      if (this.#candidates.get(entry) !== candidates) return
      // Somebody may have joined meanwhile: the newest join wins.
      const [newest] = entry.holders
      if (newest === undefined || !candidates.includes(newest) || isElsewhere(entry)) return
      if (!alive) continue
      this.#registry.promote(entry, candidate)
      const claim = this.#claimForStar(entry, candidate.address, true)
      await claim.settled
      // Another node's client may have been faster.
      if (!claim.isLost) tell(EVENTS.held, candidate)
      return
    }
  }

  #claimForStar(entry: Entry, { canonical }: StarAddress, isAgain: boolean): Claim {
    const claim = new Claim(entry.key, canonical, isAgain)
    entry.claim = claim
    this.#backplane.claim(claim)
    if (claim.isSettled) this.#yieldIfOlder(entry, claim)
    else claim.settled.then(() => this.#yieldIfOlder(entry, claim)).catch(this.#onFault)
    return claim
  }

  /** Another node may have claimed the peer after this claim, and been heard of before. */
  #yieldIfOlder(entry: Entry, claim: Claim): void {
    if (entry.claim === claim && !claim.isLost && isElsewhere(entry)) this.#lost(entry)
  }

  /** A session of this node held a peer, and one of another node has taken over. */
  #lost(entry: Entry): void {
    const [newest] = entry.holders
    if (newest !== undefined) tell(EVENTS.taken, newest)
    for (const holder of entry.holders) this.#keepIfAlive(holder).catch(this.#onFault)
  }

  /**
   * A peer that comes back under another prefix may have left a half-open connection under its first, to which the dials
   * for that very address would go.
   */
  #dropSilent(entry: Entry, newest: Member): void {
    for (const holder of entry.holders) {
      if (holder.member !== newest) this.#keepIfAlive(holder).catch(this.#onFault)
    }
  }

  /**
   * Asks the holder of an address whether it is there, and takes the address from it if it does not answer. Should it be
   * there after all, the join deadline makes it connect anew.
   *
   * @returns whether it holds the address still
   */
  async #keepIfAlive(holder: Holder): Promise<boolean> {
    const alive = await holder.member.session.probe(this.#takeoverTimeout)
    const isHeld = this.#registry.get(holder.address)?.holders.includes(holder) ?? false
    if (!alive && isHeld) {
      const entry = this.#registry.get(holder.address)
      this.#registry.release(holder.member, holder.address)
      if (entry?.holders.length === 0) this.#giveUp(entry)
    }
    return alive && isHeld
  }
}

/** Tells a holder what became of its peer, if it can hear it. */
function tell(event: typeof EVENTS.taken | typeof EVENTS.held, { member, address }: Holder): void {
  if (member.session.extended) member.session.sendText(eventText(event, [address.canonical]))
}
