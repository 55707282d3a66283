import type { StarAddress } from '@websocket-star/protocol'
import type { PeerRecord } from './claim.js'
import { Compactor } from './compact.js'
import { isElsewhere, keyOf, newestOf, type Entry, type Holder } from './entry.js'
import { Groups } from './groups.js'
import type { Member } from './member.js'
import { Rotation } from './rotation.js'

/** Hears what happens to peers and sessions, after it has happened. */
export interface RegistryWatcher {
  /** A peer has come online, or gone offline: nobody owns it any more. */
  presence?(entry: Entry, isOnline: boolean): void
  /**
   * A session has joined as a peer, which may have been online before.
   *
   * @returns resolves once the others have been told; undefined if there is nothing to wait for
   */
  introduce?(entry: Entry): Promise<void> | undefined
  /**
   * The addresses of a session have changed; it has left once it has none.
   *
   * @param before - the prefix it was told of others under
   */
  moved?(member: Member, before: string | undefined): void
  /** A session's request to join has been answered. */
  answered?(member: Member): void
}

/** Sessions that may share one peer at most: the newest is dialled, the others wait to hold it again. */
const HOLDERS_PER_PEER = 4

/** Who may use which address. Keyed by peer id, so that the same peer under two prefixes is one. */
export class Registry {
  readonly #entries = new Map<string, Entry>()
  readonly #rotation = new Rotation<Entry>()
  readonly #watchers: RegistryWatcher[] = []
  readonly #compactor = new Compactor()
  /** The sessions that hold an address, by the prefix they are told of others under. */
  readonly #members = new Groups<Member>()

  /** Peers that can be dialled. */
  get size(): number {
    return this.#entries.size
  }

  /** The newest holder of this very address, else of this peer. */
  find(address: StarAddress): Holder | PeerRecord | undefined {
    const entry = this.#entries.get(keyOf(address))
    if (entry?.remote === undefined) return this.findHere(address)
    const here = entry.holders.find((holder) => holder.address.canonical === address.canonical)
    const isThere = entry.remote.address === address.canonical
    if (here !== undefined && isThere) return isElsewhere(entry) ? entry.remote : here
    return here ?? (isThere ? entry.remote : newestOf(entry))
  }

  /** The same among the sessions of this node. */
  findHere(address: StarAddress): Holder | undefined {
    const holders = this.#entries.get(keyOf(address))?.holders
    return holders?.find((holder) => holder.address.canonical === address.canonical) ?? holders?.[0]
  }

  get(address: StarAddress): Entry | undefined {
    return this.#entries.get(keyOf(address))
  }

  /** A peer by the key of its entry. */
  byKey(key: string): Entry | undefined {
    return this.#entries.get(key)
  }

  watch(watcher: RegistryWatcher): void {
    this.#watchers.push(watcher)
  }

  /** Returns whether a session may join under a prefix when `most` may be in use: clients choose them. */
  hasRoomFor(prefix: string | undefined, most: number): boolean {
    return this.#members.has(prefix) || this.#members.size < most
  }

  /**
   * Tells the watchers that a session has joined as a peer.
   *
   * @returns resolves once the others have been told; undefined if there is nothing to wait for
   */
  introduce(entry: Entry): Promise<void> | undefined {
    const told = this.#watchers.map((watcher) => watcher.introduce?.(entry)).filter((promise) => promise !== undefined)
    return told.length > 1 ? Promise.all(told).then(() => {}) : told[0]
  }

  /** Tells the watchers that a session's request to join has been answered. */
  answered(member: Member): void {
    for (const watcher of this.#watchers) watcher.answered?.(member)
  }

  /** Whether a session holds a peer, under whatever address. */
  holds(member: Member, entry: Entry): boolean {
    return entry.holders.some((holder) => holder.member === member)
  }

  /**
   * Makes a session the newest holder of an address.
   *
   * @returns the entry, and the holder that lost its place with all its addresses, if too many share the peer
   */
  claim(member: Member, claimed: StarAddress): { entry: Entry; displaced: Holder | undefined } {
    const address = this.#compactor.compact(claimed)
    const key = keyOf(address)
    const known = this.#entries.get(key)
    const entry = known ?? this.#create(key, address.peerId)
    const holders = [{ member, address }, ...entry.holders.filter((holder) => !isHeldBy(holder, member, address))]
    const surplus = [...new Set(holders.map((holder) => holder.member))][HOLDERS_PER_PEER]
    entry.holders = holders.filter((holder) => holder.member !== surplus)
    for (const holder of holders) {
      if (holder.member === surplus) surplus.addresses.delete(holder.address.canonical)
    }
    member.addresses.set(address.canonical, address)
    this.#rotation.add(entry)
    if (known === undefined) this.#tell(entry, true)
    this.#moved(member)
    if (surplus !== undefined) this.#moved(surplus)
    return { entry, displaced: holders.find((holder) => holder.member === surplus) }
  }

  /**
   * Takes an address from a session.
   *
   * @returns the entry if the session was its newest holder and others are left to hold it
   */
  release(member: Member, address: StarAddress): Entry | undefined {
    member.addresses.delete(address.canonical)
    const entry = this.#entries.get(keyOf(address))
    const newest = entry?.holders[0]
    if (entry !== undefined) {
      entry.holders = entry.holders.filter((holder) => !isHeldBy(holder, member, address))
      if (entry.holders.length === 0 && entry.remote === undefined) this.#delete(entry)
    }
    this.#moved(member)
    return entry?.holders[0] !== undefined && newest !== entry.holders[0] ? entry : undefined
  }

  /**
   * Another node holds a peer, unless that is outdated.
   *
   * @param isAll - it is from a list of all that is held: what was known before does not count, even if it was newer
   * @returns the entry, and whether the peer is new to this node
   */
  claimElsewhere(record: PeerRecord, isAll = false): { entry: Entry; isNew: boolean } | undefined {
    const known = this.#entries.get(record.key)
    const generation = Math.max((isAll ? undefined : known?.remote?.generation) ?? 0, known?.claim?.generation ?? 0)
    if (record.generation <= generation) return undefined
    if (record.generation === known?.remote?.generation && record.node === known.remote.node) return undefined
    const entry = known ?? this.#create(record.key, record.key.startsWith('/') ? undefined : record.key)
    entry.remote = record
    this.#rotation.add(entry)
    if (known === undefined) this.#tell(entry, true)
    return { entry, isNew: known === undefined }
  }

  /**
   * No other node holds a peer any more with that generation or a lower one.
   *
   * @returns the entry if sessions of this node are left to hold the peer
   */
  releaseElsewhere(key: string, generation: number): Entry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.remote === undefined || entry.remote.generation > generation) return undefined
    entry.remote = undefined
    if (entry.holders.length > 0) return entry
    this.#delete(entry)
    return undefined
  }

  /** Puts a holder first, as if it had joined last. */
  promote(entry: Entry, holder: Holder): void {
    if (!entry.holders.includes(holder)) return
    entry.holders = [holder, ...entry.holders.filter((other) => other !== holder)]
  }

  /** Peers in the order they came. */
  peers(): Iterable<Entry> {
    return this.#entries.values()
  }

  /** Peers, the one that was claimed last first. */
  newest(): Iterable<Entry> {
    return this.#rotation.newest()
  }

  /** The next `size` peers of a round through all of them. */
  window(size: number): Entry[] {
    return this.#rotation.window(size)
  }

  #create(key: string, peerId: string | undefined): Entry {
    const entry: Entry = { key, peerId, holders: [], claim: undefined, remote: undefined }
    this.#entries.set(key, entry)
    return entry
  }

  #delete(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#rotation.delete(entry)
    this.#tell(entry, false)
  }

  #tell(entry: Entry, isOnline: boolean): void {
    for (const watcher of this.#watchers) watcher.presence?.(entry, isOnline)
  }

  /** A session is told of others under the prefix of the address it joined with last. */
  #moved(member: Member): void {
    const before = member.prefix
    this.#members.delete(before, member)
    const last = [...member.addresses.values()].at(-1)
    if (last !== undefined) {
      member.prefix = last.prefix
      this.#members.add(member.prefix, member)
    }
    for (const watcher of this.#watchers) watcher.moved?.(member, before)
  }
}

function isHeldBy(holder: Holder, member: Member, address: StarAddress): boolean {
  return holder.member === member && holder.address.canonical === address.canonical
}
