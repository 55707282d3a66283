import { EVENTS, rebase } from '@websocket-star/protocol'
import type { Counters } from '../stats.js'
import { eventText } from '../wire/packet.js'
import { Deltas } from './deltas.js'
import { Groups } from './groups.js'
import { SLOW_FROM, type Member } from './member.js'
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
  /** Milliseconds in which changes are gathered for clients that hear of these only. */
  deltaInterval: number
}

/**
 * Tells each client of the others, under the prefix it joined with itself, and never of its own peer. Here are the
 * announcements of the protocol, whose text clients of one prefix share; those who want to hear of changes only are told
 * by {@link Deltas}.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #registry: Registry
  readonly #counters: Counters
  readonly #deltas: Deltas
  readonly #now: () => number
  /** All who hold an address, whatever they want to hear. */
  readonly #members = new Groups<Member>()
  /** Those of them who hear announcements. */
  readonly #listeners = new Groups<Member>()
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
    this.#deltas = new Deltas(options.deltaInterval, registry, counters)
    this.#now = now
  }

  /** Whether a client may join under this prefix: clients choose them, so their number is limited. */
  hasRoomFor(prefix: string | undefined): boolean {
    return this.#members.has(prefix) || this.#members.size < this.#options.prefixes
  }

  /** Tells a client of others while it holds an address, under the prefix of the one it joined last. */
  refresh(member: Member): void {
    const address = [...member.addresses.values()].at(-1)
    if (address === undefined) return this.forget(member)
    this.#leaveGroups(member)
    member.prefix = address.prefix
    this.#members.add(member.prefix, member)
    if (member.session.peers === 'windows') this.#listeners.add(member.prefix, member)
    if (member.session.peers === 'deltas') this.#deltas.refresh(member)
  }

  /** Tells a client nothing more. */
  forget(member: Member): void {
    this.#leaveGroups(member)
    this.#deltas.forget(member)
  }

  /** Tells everyone of a newcomer at once; past the limit per second it waits for its turn in the next windows. */
  announce(entry: Entry): void {
    const second = Math.floor(this.#now() / 1000)
    if (second !== this.#second) {
      this.#second = second
      this.#newcomers = 0
    }
    if (++this.#newcomers > this.#options.window) return
    for (const [prefix, group] of this.#listeners) this.#tell(group, entry, announcementText(entry, prefix))
  }

  /** Tells a newcomer of the others, if the answer to its join has not. */
  welcome(member: Member): void {
    this.#deltas.welcome(member)
  }

  /** Tells everyone of the next window of peers. */
  tick(): void {
    const entries = this.#registry.window(this.#options.window)
    for (const [prefix, group] of this.#listeners) {
      for (const entry of entries) this.#tell(group, entry, announcementText(entry, prefix))
    }
  }

  /** Looks at those who have to be told more, as soon as they have read what they were told. */
  sweep(): void {
    this.#deltas.sweep()
  }

  stop(): void {
    this.#deltas.stop()
  }

  /**
   * What the answer to a join lists: the newest others with a peer id, under the joiner's prefix. Nobody, if it is told by
   * other means or wants to know of nobody.
   */
  joinList(member: Member): string[] {
    const list: string[] = []
    if (member.session.peers !== 'windows') return list
    for (const entry of this.#registry.newest()) {
      if (list.length >= this.#options.joinList) break
      // A name without a valid peer id at its end kills the process of the legacy client that reads it here.
      if (entry.peerId === undefined || this.#registry.holds(member, entry)) continue
      list.push(addressUnder(entry, member.prefix))
    }
    return list
  }

  #leaveGroups(member: Member): void {
    this.#members.delete(member.prefix, member)
    this.#listeners.delete(member.prefix, member)
  }

  #tell(group: ReadonlySet<Member>, entry: Entry, text: string): void {
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
