import { EVENTS, rebase } from '@websocket-star/protocol'
import type { Counters } from '../stats.js'
import { eventText } from '../wire/packet.js'
import type { Member } from './member.js'
import type { Entry, Registry } from './registry.js'

export interface DiscoveryOptions {
  /** Milliseconds between two announcements of the same peer. */
  interval: number
  /** Peers announced to a client per interval, and newcomers announced at once per second. */
  window: number
  /** Peers named in the answer to a join. */
  joinList: number
  /** Address prefixes that may be live at once. */
  prefixes: number
}

/** Bytes unsent to a client above which it is told nothing. */
const SLOW_FROM = 262_144

/**
 * Tells each client of the others, under the prefix it joined with itself, and never of its own peer. Clients of one
 * prefix share each announcement's text.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #registry: Registry
  readonly #counters: Counters
  readonly #now: () => number
  /** Who is told, by prefix; undefined is for those whose address has none. */
  readonly #groups = new Map<string | undefined, Set<Member>>()
  #second = 0
  #newcomers = 0

  constructor(
    options: DiscoveryOptions,
    registry: Registry,
    counters: Counters,
    now: () => number = () => performance.now()
  ) {
    this.#options = options
    this.#registry = registry
    this.#counters = counters
    this.#now = now
  }

  /** Whether a client may join under this prefix: clients choose them, so their number is limited. */
  hasRoomFor(prefix: string | undefined): boolean {
    return this.#groups.has(prefix) || this.#groups.size < this.#options.prefixes
  }

  /** Tells a client of others while it holds an address, under the prefix of the one it joined last. */
  refresh(member: Member): void {
    const address = [...member.addresses.values()].at(-1)
    this.forget(member)
    if (address === undefined) return
    member.prefix = address.prefix
    let group = this.#groups.get(member.prefix)
    if (group === undefined) this.#groups.set(member.prefix, (group = new Set()))
    group.add(member)
  }

  /** Tells a client nothing more. */
  forget(member: Member): void {
    const group = this.#groups.get(member.prefix)
    if (group?.delete(member) && group.size === 0) this.#groups.delete(member.prefix)
  }

  /** Tells everyone of a newcomer at once; past the limit per second it waits for its turn in the next windows. */
  announce(entry: Entry): void {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#newcomers = 0
    }
    if (++this.#newcomers > this.#options.window) return
    for (const [prefix, group] of this.#groups) this.#tell(group, entry, announcementText(entry, prefix))
  }

  /** Tells everyone of the next window of peers. */
  tick(): void {
    const entries = this.#registry.window(this.#options.window)
    for (const [prefix, group] of this.#groups) {
      for (const entry of entries) this.#tell(group, entry, announcementText(entry, prefix))
    }
  }

  /** What the answer to a join lists: the newest others with a peer id, under the joiner's prefix. */
  joinList(member: Member): string[] {
    const list: string[] = []
    for (const entry of this.#registry.newest()) {
      if (list.length >= this.#options.joinList) break
      // A name without a valid peer id at its end kills the process of the legacy client that reads it here.
      if (entry.peerId === undefined || this.#registry.holds(member, entry)) continue
      list.push(addressUnder(entry, member.prefix))
    }
    return list
  }

  #tell(group: Set<Member>, entry: Entry, text: string): void {
    for (const member of group) {
      // One that reads slowly is left out, not buffered for: it hears of the same peers again.
      if (member.session.buffered > SLOW_FROM || this.#registry.holds(member, entry)) continue
      member.session.sendText(text)
      this.#counters.announcements++
    }
  }
}

function announcementText(entry: Entry, prefix: string | undefined): string {
  return eventText(EVENTS.peer, [addressUnder(entry, prefix)])
}

/** How an entry is called under a prefix. Legacy clients split the text on `/ipfs/`, so that spelling is written. */
function addressUnder(entry: Entry, prefix: string | undefined): string {
  if (entry.peerId !== undefined && prefix !== undefined) return rebase(entry.peerId, prefix, 'legacy')
  // An entry in the registry has a holder.
  return entry.holders[0]?.address.legacy ?? entry.key
}
