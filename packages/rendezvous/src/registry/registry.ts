import { parseAddress, type StarAddress } from '@websocket-star/protocol'
import type { PeerRecord } from '../cluster/backplane.js'
import type { Claim } from './claim.js'
import { Compactor } from './compact.js'
import type { Member } from './member.js'
import { Rotation } from './rotation.js'

/** A session of this node that holds a peer. */
export interface Holder {
  readonly member: Member
  readonly address: StarAddress
}

/** A peer that can be dialled: its id, or its address where that has none, and who holds it, on this node or elsewhere. */
export interface Entry {
  /** The peer id, or the canonical text of an address without exactly one. */
  readonly key: string
  readonly peerId: string | undefined
  /** Those of this node, newest first. Not empty while the entry is in the registry, unless another node holds the peer. */
  holders: readonly Holder[]
  /** This node's claim for the newest of them. */
  claim: Claim | undefined
  /** The holder that another node has told of. */
  remote: PeerRecord | undefined
}

/** Told of each peer that comes, and of each that has left for good: nobody holds it. */
export type RegistryWatcher = (entry: Entry, isThere: boolean) => void

/** Sessions that may share one peer at most: the newest is dialled, the others wait to hold it again. */
const HOLDERS_PER_PEER = 4

/** Who may use which address. Keyed by peer id, so that the same peer under two prefixes is one. */
export class Registry {
  readonly #entries = new Map<string, Entry>()
  readonly #rotation = new Rotation<Entry>()
  readonly #watchers: RegistryWatcher[] = []
  readonly #compactor = new Compactor()

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
    if (entry === undefined) return undefined
    const [newest] = entry.holders
    entry.holders = entry.holders.filter((holder) => !isHeldBy(holder, member, address))
    if (entry.holders.length === 0) {
      if (entry.remote === undefined) this.#delete(entry)
      return undefined
    }
    return newest !== entry.holders[0] ? entry : undefined
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

  #tell(entry: Entry, isThere: boolean): void {
    for (const watcher of this.#watchers) watcher(entry, isThere)
  }
}

/** Addresses with the same key lead to the same peer. */
export function keyOf(address: StarAddress): string {
  return address.peerId ?? address.canonical
}

/** Whether the newest holder of a peer is on another node. A claim of this node that is not decided yet is the newest. */
export function isElsewhere({ holders, claim, remote }: Entry): boolean {
  if (remote === undefined) return false
  return holders.length === 0 || remote.generation > (claim?.generation ?? Number.POSITIVE_INFINITY)
}

/** The newest holder of a peer. */
export function newestOf(entry: Entry): Holder | PeerRecord | undefined {
  return isElsewhere(entry) ? entry.remote : entry.holders[0]
}

/** Where the newest holder of a peer joined; undefined if another node told of something else than an address. */
export function addressOf(entry: Entry): StarAddress | undefined {
  const newest = newestOf(entry)
  if (newest === undefined || 'member' in newest) return newest?.address
  try {
    return parseAddress(newest.address)
  } catch {
    return undefined
  }
}

function isHeldBy(holder: Holder, member: Member, address: StarAddress): boolean {
  return holder.member === member && holder.address.canonical === address.canonical
}
