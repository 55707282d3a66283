import type { StarAddress } from '@websocket-star/protocol'
import type { PeerRecord } from './claim.js'
import { Compactor } from './compact.js'
import { Groups } from './groups.js'
import { isOwnedElsewhere, keyOf, ownerOf, type PeerEntry, type PeerOwner } from './peer-entry.js'
import { Rotation } from './rotation.js'
import type { SessionEntry } from './session-entry.js'

/** Callbacks for changes of peers and sessions, made after each change. */
export interface RegistryObserver {
  /** Called when a peer comes online, and when it goes offline because no session owns it any more. */
  presence?(entry: PeerEntry, isOnline: boolean): void
  /** Called when a session has joined as a peer, which may be online already. Resolves once other clients have been told. */
  newcomer?(entry: PeerEntry): Promise<void> | undefined
  /** Called when a session's addresses have changed. Without addresses, the session has left. `before`: its previous prefix. */
  addressesChanged?(sessionEntry: SessionEntry, before: string | undefined): void
  /** Called when a session's join has been answered. */
  joinAnswered?(sessionEntry: SessionEntry): void
}

/** The online peers and their sessions. Keyed by peer id: a peer that joined under two prefixes has one entry. */
export class Registry {
  readonly #entries = new Map<string, PeerEntry>()
  readonly #rotation = new Rotation<PeerEntry>()
  readonly #observers: RegistryObserver[] = []
  readonly #compactor = new Compactor()
  /** Sessions that have joined, by their prefix. */
  readonly #sessionEntries = new Groups<SessionEntry>()

  get size(): number {
    return this.#entries.size
  }

  /** Finds the latest session that joined with exactly this address, or else the owner of its peer. */
  find(address: StarAddress): PeerOwner | PeerRecord | undefined {
    const entry = this.#entries.get(keyOf(address))
    if (entry?.remote === undefined) return this.findHere(address)
    const here = entry.owners.find((owner) => owner.address.canonical === address.canonical)
    const isThere = entry.remote.address === address.canonical
    if (here !== undefined && isThere) return isOwnedElsewhere(entry) ? entry.remote : here
    return here ?? (isThere ? entry.remote : ownerOf(entry))
  }

  /** Finds a session as {@link find} does, on this node only. */
  findHere(address: StarAddress): PeerOwner | undefined {
    const owners = this.#entries.get(keyOf(address))?.owners
    return owners?.find((owner) => owner.address.canonical === address.canonical) ?? owners?.[0]
  }

  get(address: StarAddress): PeerEntry | undefined {
    return this.#entries.get(keyOf(address))
  }

  byKey(key: string): PeerEntry | undefined {
    return this.#entries.get(key)
  }

  observe(observer: RegistryObserver): void {
    this.#observers.push(observer)
  }

  /** Returns whether a join may use a prefix. Clients may choose any prefix, so `limit` bounds the number of prefixes in use. */
  hasRoomFor(prefix: string | undefined, limit: number): boolean {
    return this.#sessionEntries.has(prefix) || this.#sessionEntries.size < limit
  }

  /** Notifies the observers of a join: see {@link RegistryObserver.newcomer}. */
  announceNewcomer(entry: PeerEntry): Promise<void> | undefined {
    const announcements = this.#observers
      .map((observer) => observer.newcomer?.(entry))
      .filter((promise) => promise !== undefined)
    return announcements.length > 1 ? Promise.all(announcements).then(() => {}) : announcements[0]
  }

  joinAnswered(sessionEntry: SessionEntry): void {
    for (const observer of this.#observers) observer.joinAnswered?.(sessionEntry)
  }

  hasJoinedAs(sessionEntry: SessionEntry, entry: PeerEntry): boolean {
    return entry.owners.some((owner) => owner.sessionEntry === sessionEntry)
  }

  /** Makes a session the peer's latest on this node. Earlier sessions stay, and may become the owner again. */
  claim(sessionEntry: SessionEntry, claimed: StarAddress): PeerEntry {
    const address = this.#compactor.compact(claimed)
    const key = keyOf(address)
    const known = this.#entries.get(key)
    const entry = known ?? this.#create(key, address.peerId)
    entry.owners = [
      { sessionEntry, address },
      ...entry.owners.filter((owner) => !isOwnedBy(owner, sessionEntry, address))
    ]
    sessionEntry.addresses.set(address.canonical, address)
    this.#rotation.add(entry)
    if (known === undefined) this.#notifyPresence(entry, true)
    this.#addressesChanged(sessionEntry)
    return entry
  }

  /** Removes an address from a session. @returns the entry if another session is now the peer's latest on this node */
  release(sessionEntry: SessionEntry, address: StarAddress): PeerEntry | undefined {
    sessionEntry.addresses.delete(address.canonical)
    const entry = this.#entries.get(keyOf(address))
    const before = entry?.owners[0]
    if (entry !== undefined) {
      entry.owners = entry.owners.filter((owner) => !isOwnedBy(owner, sessionEntry, address))
      if (entry.owners.length === 0 && entry.remote === undefined) this.#delete(entry)
    }
    this.#addressesChanged(sessionEntry)
    return entry?.owners[0] !== undefined && before !== entry.owners[0] ? entry : undefined
  }

  /**
   * Records that another node owns a peer, unless the record is outdated.
   *
   * @param isSnapshot - the record is part of a complete list, which replaces even a higher generation of another node
   * @returns the entry, and whether the peer is new to this node; undefined if the record is outdated or known
   */
  claimElsewhere(record: PeerRecord, isSnapshot = false): { entry: PeerEntry; isNew: boolean } | undefined {
    const known = this.#entries.get(record.key)
    const generation = Math.max(
      (isSnapshot ? undefined : known?.remote?.generation) ?? 0,
      known?.claim?.generation ?? 0
    )
    if (record.generation <= generation) return undefined
    if (record.generation === known?.remote?.generation && record.node === known.remote.node) return undefined
    const entry = known ?? this.#create(record.key, record.key.startsWith('/') ? undefined : record.key)
    entry.remote = record
    this.#rotation.add(entry)
    if (known === undefined) this.#notifyPresence(entry, true)
    return { entry, isNew: known === undefined }
  }

  /** Removes another node's claim up to `generation`. @returns the entry if sessions of this node have joined as the peer */
  releaseElsewhere(key: string, generation: number): PeerEntry | undefined {
    const entry = this.#entries.get(key)
    if (entry?.remote === undefined || entry.remote.generation > generation) return undefined
    entry.remote = undefined
    if (entry.owners.length > 0) return entry
    this.#delete(entry)
    return undefined
  }

  promote(entry: PeerEntry, owner: PeerOwner): void {
    if (!entry.owners.includes(owner)) return
    entry.owners = [owner, ...entry.owners.filter((other) => other !== owner)]
  }

  /** Returns the peers in the order they came online. */
  peers(): Iterable<PeerEntry> {
    return this.#entries.values()
  }

  /** Returns the peers in the order of their last joins, the latest first. */
  latest(): Iterable<PeerEntry> {
    return this.#rotation.latest()
  }

  /** Returns the next `size` peers in rotation. */
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
    this.#notifyPresence(entry, false)
  }

  #notifyPresence(entry: PeerEntry, isOnline: boolean): void {
    for (const observer of this.#observers) observer.presence?.(entry, isOnline)
  }

  #addressesChanged(sessionEntry: SessionEntry): void {
    const before = sessionEntry.prefix
    this.#sessionEntries.delete(before, sessionEntry)
    const lastJoined = [...sessionEntry.addresses.values()].at(-1)
    if (lastJoined !== undefined) {
      sessionEntry.prefix = lastJoined.prefix
      this.#sessionEntries.add(sessionEntry.prefix, sessionEntry)
    }
    for (const observer of this.#observers) observer.addressesChanged?.(sessionEntry, before)
  }
}

function isOwnedBy(owner: PeerOwner, sessionEntry: SessionEntry, address: StarAddress): boolean {
  return owner.sessionEntry === sessionEntry && owner.address.canonical === address.canonical
}
