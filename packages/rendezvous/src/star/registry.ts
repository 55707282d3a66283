import type { StarAddress } from '@websocket-star/protocol'
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

/** Sessions that may share one peer at most: the newest is dialled, the others wait to hold it again. */
const HOLDERS_PER_PEER = 4

/** Who may use which address. Keyed by peer id, so that the same peer under two prefixes is one. */
export class Registry {
  readonly #entries = new Map<string, Entry>()
  readonly #roster = new Roster<Entry>()

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

  /** Whether a session holds a peer, under whatever address. */
  holds(member: Member, entry: Entry): boolean {
    return entry.holders.some((holder) => holder.member === member)
  }

  /**
   * Makes a session the newest holder of an address.
   *
   * @returns the entry, and the session that lost its place, if too many share the peer
   */
  claim(member: Member, address: StarAddress): { entry: Entry; displaced: Member | undefined } {
    const key = keyOf(address)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { key, peerId: address.peerId, holders: [] }
      this.#entries.set(key, entry)
    }
    const holders = [{ member, address }, ...entry.holders.filter((holder) => !isHeldBy(holder, member, address))]
    const displaced = [...new Set(holders.map((holder) => holder.member))][HOLDERS_PER_PEER]
    entry.holders = holders.filter((holder) => holder.member !== displaced)
    for (const holder of holders) {
      if (holder.member === displaced) displaced.addresses.delete(holder.address.canonical)
    }
    member.addresses.set(address.canonical, address)
    this.#roster.add(entry)
    return { entry, displaced }
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
      return undefined
    }
    return newest !== entry.holders[0] ? entry : undefined
  }

  /** Puts a holder first, as if it had joined last. */
  promote(entry: Entry, holder: Holder): void {
    if (!entry.holders.includes(holder)) return
    entry.holders = [holder, ...entry.holders.filter((other) => other !== holder)]
  }

  /** Peers, the one that was claimed last first. */
  newest(): Iterable<Entry> {
    return this.#roster.newest()
  }

  /** The next `size` peers of a round through all of them. */
  window(size: number): Entry[] {
    return this.#roster.window(size)
  }
}

function keyOf(address: StarAddress): string {
  return address.peerId ?? address.canonical
}

function isHeldBy(holder: Holder, member: Member, address: StarAddress): boolean {
  return holder.member === member && holder.address.canonical === address.canonical
}
