import type { StarAddress } from '@websocket-star/protocol'
import { Compactor } from './compact.js'
import type { Member } from './member.js'
import { Roster } from './roster.js'

export interface Holder {
  readonly member: Member
  readonly address: StarAddress
}

/** A peer that can be dialled: its id, or its address where that has none, and who holds it. */
export interface Entry {
  /** The peer id, or the canonical text of an address without exactly one. */
  readonly key: string
  readonly peerId: string | undefined
  /** Newest first; never empty while the entry is in the registry. */
  holders: readonly Holder[]
}

/** Told of each peer that comes, and of each that has left for good: nobody holds it. */
export type RegistryWatcher = (entry: Entry, isThere: boolean) => void

/** Sessions that may share one peer at most: the newest is dialled, the others wait to hold it again. */
const HOLDERS_PER_PEER = 4

/** Who may use which address. Keyed by peer id, so that the same peer under two prefixes is one. */
export class Registry {
  readonly #entries = new Map<string, Entry>()
  readonly #roster = new Roster<Entry>()
  readonly #watchers: RegistryWatcher[] = []
  readonly #compactor = new Compactor()

  /** Peers that can be dialled. */
  get size(): number {
    return this.#entries.size
  }

  /** The newest holder of this very address, else of this peer. */
  find(address: StarAddress): Holder | undefined {
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
    const entry: Entry = known ?? { key, peerId: address.peerId, holders: [] }
    if (known === undefined) this.#entries.set(key, entry)
    const holders = [{ member, address }, ...entry.holders.filter((holder) => !isHeldBy(holder, member, address))]
    const surplus = [...new Set(holders.map((holder) => holder.member))][HOLDERS_PER_PEER]
    entry.holders = holders.filter((holder) => holder.member !== surplus)
    for (const holder of holders) {
      if (holder.member === surplus) surplus.addresses.delete(holder.address.canonical)
    }
    member.addresses.set(address.canonical, address)
    this.#roster.add(entry)
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
      this.#entries.delete(entry.key)
      this.#roster.delete(entry)
      this.#tell(entry, false)
      return undefined
    }
    return newest !== entry.holders[0] ? entry : undefined
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
    return this.#roster.newest()
  }

  /** The next `size` peers of a round through all of them. */
  window(size: number): Entry[] {
    return this.#roster.window(size)
  }

  #tell(entry: Entry, isThere: boolean): void {
    for (const watcher of this.#watchers) watcher(entry, isThere)
  }
}

/** Addresses with the same key lead to the same peer. */
export function keyOf(address: StarAddress): string {
  return address.peerId ?? address.canonical
}

function isHeldBy(holder: Holder, member: Member, address: StarAddress): boolean {
  return holder.member === member && holder.address.canonical === address.canonical
}
