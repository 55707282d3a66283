import type { StarAddress } from '@websocket-star/protocol'
import type { PeerRecord } from './claim.js'
import { Compactor } from './compact.js'
import { isOwnedElsewhere, keyOf, ownerOf, type PeerEntry, type PeerOwner } from './peer-entry.js'
import { Groups } from './groups.js'
import type { SessionEntry } from './session-entry.js'
import { Rotation } from './rotation.js'

/** Hears what happens to peers and sessions, after it has happened. */
export interface RegistryObserver {
  /** A peer has come online, or gone offline: nobody owns it any more. */
  presence?(entry: PeerEntry, isOnline: boolean): void
  /**
   * A session has joined as a peer, which may have been online before.
   *
   * @returns resolves once the others have been told; undefined if there is nothing to wait for
   */
  introduce?(entry: PeerEntry): Promise<void> | undefined
  /**
   * The addresses of a session have changed; it has left once it has none.
   *
   * @param before - the prefix it was told of others under
   */
  moved?(sessionEntry: SessionEntry, before: string | undefined): void
  /** A session's request to join has been answered. */
  answered?(sessionEntry: SessionEntry): void
}

/** Sessions that may share one peer at most: the newest is dialled, the others wait to hold it again. */
const OWNERS_PER_PEER = 4

/** Who may use which address. Keyed by peer id, so that the same peer under two prefixes is one. */
export class Registry {
  readonly #entries = new Map<string, PeerEntry>()
  readonly #rotation = new Rotation<PeerEntry>()
  readonly #observers: RegistryObserver[] = []
  readonly #compactor = new Compactor()
  /** The sessions that hold an address, by the prefix they are told of others under. */
  readonly #sessionEntries = new Groups<SessionEntry>()

  /** Peers that can be dialled. */
  get size(): number {
    return this.#entries.size
  }

  /** The newest owner of this very address, else of this peer. */
  find(address: StarAddress): PeerOwner | PeerRecord | undefined {
    const entry = this.#entries.get(keyOf(address))
    if (entry?.remote === undefined) return this.findHere(address)
    const here = entry.owners.find((owner) => owner.address.canonical === address.canonical)
    const isThere = entry.remote.address === address.canonical
    if (here !== undefined && isThere) return isOwnedElsewhere(entry) ? entry.remote : here
    return here ?? (isThere ? entry.remote : ownerOf(entry))
  }

  /** The same among the sessions of this node. */
  findHere(address: StarAddress): PeerOwner | undefined {
    const owners = this.#entries.get(keyOf(address))?.owners
    return owners?.find((owner) => owner.address.canonical === address.canonical) ?? owners?.[0]
  }

  get(address: StarAddress): PeerEntry | undefined {
    return this.#entries.get(keyOf(address))
  }

  /** A peer by the key of its entry. */
  byKey(key: string): PeerEntry | undefined {
    return this.#entries.get(key)
  }

  observe(observer: RegistryObserver): void {
    this.#observers.push(observer)
  }

  /** Returns whether a session may join under a prefix when `most` may be in use: clients choose them. */
  hasRoomFor(prefix: string | undefined, most: number): boolean {
    return this.#sessionEntries.has(prefix) || this.#sessionEntries.size < most
  }

  /**
   * Tells the watchers that a session has joined as a peer.
   *
   * @returns resolves once the others have been told; undefined if there is nothing to wait for
   */
  introduce(entry: PeerEntry): Promise<void> | undefined {
    const told = this.#observers
      .map((observer) => observer.introduce?.(entry))
      .filter((promise) => promise !== undefined)
    return told.length > 1 ? Promise.all(told).then(() => {}) : told[0]
  }

  /** Tells the watchers that a session's request to join has been answered. */
  answered(sessionEntry: SessionEntry): void {
    for (const observer of this.#observers) observer.answered?.(sessionEntry)
  }

  /** Whether a session holds a peer, under whatever address. */
  hasJoinedAs(sessionEntry: SessionEntry, entry: PeerEntry): boolean {
    return entry.owners.some((owner) => owner.sessionEntry === sessionEntry)
  }

  /**
   * Makes a session the newest owner of an address.
   *
   * @returns the entry, and the owner that lost its place with all its addresses, if too many share the peer
   */
  claim(sessionEntry: SessionEntry, claimed: StarAddress): { entry: PeerEntry; displaced: PeerOwner | undefined } {
    const address = this.#compactor.compact(claimed)
    const key = keyOf(address)
    const known = this.#entries.get(key)
    const entry = known ?? this.#create(key, address.peerId)
    const owners = [
      { sessionEntry, address },
      ...entry.owners.filter((owner) => !isOwnedBy(owner, sessionEntry, address))
    ]
    const surplus = [...new Set(owners.map((owner) => owner.sessionEntry))][OWNERS_PER_PEER]
    entry.owners = owners.filter((owner) => owner.sessionEntry !== surplus)
    for (const owner of owners) {
      if (owner.sessionEntry === surplus) surplus.addresses.delete(owner.address.canonical)
    }
    sessionEntry.addresses.set(address.canonical, address)
    this.#rotation.add(entry)
    if (known === undefined) this.#tell(entry, true)
    this.#moved(sessionEntry)
    if (surplus !== undefined) this.#moved(surplus)
    return { entry, displaced: owners.find((owner) => owner.sessionEntry === surplus) }
  }

  /**
   * Takes an address from a session.
   *
   * @returns the entry if the session was its newest owner and others are left to hold it
   */
  release(sessionEntry: SessionEntry, address: StarAddress): PeerEntry | undefined {
    sessionEntry.addresses.delete(address.canonical)
    const entry = this.#entries.get(keyOf(address))
    const newest = entry?.owners[0]
    if (entry !== undefined) {
      entry.owners = entry.owners.filter((owner) => !isOwnedBy(owner, sessionEntry, address))
      if (entry.owners.length === 0 && entry.remote === undefined) this.#delete(entry)
    }
    this.#moved(sessionEntry)
    return entry?.owners[0] !== undefined && newest !== entry.owners[0] ? entry : undefined
  }

  /**
   * Another node holds a peer, unless that is outdated.
   *
   * @param isAll - it is from a list of all that is held: what was known before does not count, even if it was newer
   * @returns the entry, and whether the peer is new to this node
   */
  claimElsewhere(record: PeerRecord, isAll = false): { entry: PeerEntry; isNew: boolean } | undefined {
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
  releaseElsewhere(key: string, generation: number): PeerEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.remote === undefined || entry.remote.generation > generation) return undefined
    entry.remote = undefined
    if (entry.owners.length > 0) return entry
    this.#delete(entry)
    return undefined
  }

  /** Puts an owner first, as if it had joined last. */
  promote(entry: PeerEntry, owner: PeerOwner): void {
    if (!entry.owners.includes(owner)) return
    entry.owners = [owner, ...entry.owners.filter((other) => other !== owner)]
  }

  /** Peers in the order they came. */
  peers(): Iterable<PeerEntry> {
    return this.#entries.values()
  }

  /** Peers, the one that was claimed last first. */
  newest(): Iterable<PeerEntry> {
    return this.#rotation.newest()
  }

  /** The next `size` peers of a round through all of them. */
  window(size: number): PeerEntry[] {
    return this.#rotation.window(size)
  }

  #create(key: string, peerId: string | undefined): PeerEntry {
    const entry: PeerEntry = { key, peerId, owners: [], claim: undefined, remote: undefined }
    this.#entries.set(key, entry)
    return entry
  }

  #delete(entry: PeerEntry): void {
    this.#entries.delete(entry.key)
    this.#rotation.delete(entry)
    this.#tell(entry, false)
  }

  #tell(entry: PeerEntry, isOnline: boolean): void {
    for (const observer of this.#observers) observer.presence?.(entry, isOnline)
  }

  /** A session is told of others under the prefix of the address it joined with last. */
  #moved(sessionEntry: SessionEntry): void {
    const before = sessionEntry.prefix
    this.#sessionEntries.delete(before, sessionEntry)
    const last = [...sessionEntry.addresses.values()].at(-1)
    if (last !== undefined) {
      sessionEntry.prefix = last.prefix
      this.#sessionEntries.add(sessionEntry.prefix, sessionEntry)
    }
    for (const observer of this.#observers) observer.moved?.(sessionEntry, before)
  }
}

function isOwnedBy(owner: PeerOwner, sessionEntry: SessionEntry, address: StarAddress): boolean {
  return owner.sessionEntry === sessionEntry && owner.address.canonical === address.canonical
}
