import { EVENTS, type PeersDelta } from '@websocket-star/protocol'
import { EncodedTexts } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { canonicalUnder, keyOf } from '../registry/entry.js'
import { Groups } from '../registry/groups.js'
import type { Member } from '../registry/member.js'
import type { Registry } from '../registry/registry.js'
import type { Counters } from '../stats.js'
import { ChangeLog, changesForOwner, type Changes } from './changes.js'
import { pauseBetween, SLOW_FROM } from './pace.js'
import { PeerList } from './peer-list.js'

/** A client that is told of changes, and what it knows. */
interface Listener {
  readonly member: Member
  /** The prefix it is told of others under. */
  readonly prefix: string | undefined
  /** Keys of its own peers, as of what it was told: it knows the others. */
  own: readonly string[]
  /** How much of the log it knows. */
  position: number
  /** The full list it is to get, or the rest of one it is getting. Until the list has begun it is told nothing. */
  list: 'due' | { readonly peers: PeerList; next: number } | undefined
}

const SHARED_FROM = 256
/** Bytes unsent above which a full list waits: one part more, and the client would be too slow to hear of changes. */
const LIST_UP_TO = SLOW_FROM / 2

/**
 * Tells the clients that want it who came and who left since the last time, in batches. What a client knows after each is
 * what the registry holds, without its own peers. Clients of one prefix share a batch's text.
 */
export class Deltas {
  readonly #interval: number
  readonly #sharedFrom: number
  readonly #registry: Registry
  readonly #counters: Counters
  readonly #listeners = new Map<Member, Listener>()
  readonly #groups = new Groups<Listener>()
  /** Who came and left since the last batch. */
  readonly #log = new ChangeLog()
  /** To whom the next batch is not what it is to the others: they know a part of it, or their own peers changed. */
  readonly #apart = new Set<Listener>()
  /** Those with a list to get, or to get the rest of. */
  readonly #behind = new Set<Listener>()
  /** The last list of each prefix, until the next batch. */
  readonly #lists = new Map<string | undefined, PeerList>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param interval - milliseconds in which changes are gathered
   * @param sharedFrom - of so many peers a list serves all who want one before the next batch
   */
  constructor(interval: number, registry: Registry, counters: Counters, sharedFrom = SHARED_FROM) {
    this.#interval = interval
    this.#sharedFrom = sharedFrom
    this.#registry = registry
    this.#counters = counters
    registry.watch({
      presence: (entry, isOnline) => {
        if (this.#listeners.size === 0) return
        this.#log.add(entry, isOnline)
        this.#schedule()
      },
      moved: (member) => this.#moved(member),
      answered: (member) => this.#welcome(member)
    })
  }

  /** A client listens while it has an address. */
  #moved(member: Member): void {
    if (member.session.peers !== 'deltas') return
    if (member.addresses.size === 0) return this.#forget(member)
    let listener = this.#listeners.get(member)
    if (listener !== undefined && listener.prefix === member.prefix) {
      this.#apart.add(listener)
    } else {
      this.#forget(member)
      listener = { member, prefix: member.prefix, own: [], position: 0, list: 'due' }
      this.#listeners.set(member, listener)
      this.#groups.add(listener.prefix, listener)
      this.#behind.add(listener)
    }
    this.#schedule()
  }

  /** Sends a client the full list it is due, without waiting for the next batch. */
  #welcome(member: Member): void {
    const listener = this.#listeners.get(member)
    // A list that has begun goes on when the log is empty, for it tells what the log tells too.
    if (listener?.list === 'due' && this.#goOn(listener)) this.#schedule()
  }

  #forget(member: Member): void {
    const listener = this.#listeners.get(member)
    if (listener === undefined) return
    this.#listeners.delete(member)
    this.#groups.delete(listener.prefix, listener)
    this.#apart.delete(listener)
    this.#behind.delete(listener)
    if (this.#listeners.size > 0) return
    this.#clearLog()
    this.stop()
  }

  /** Looks whether those who read slowly have read by now. */
  sweep(): void {
    if (this.#behind.size > 0) this.#flush()
  }

  /** No timer is left: nothing is told until something changes. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    const pause = Math.max(this.#interval, pauseBetween(this.#listeners.size))
    this.#timer = setTimeout(() => this.#flush(), pause).unref()
  }

  #flush(): void {
    this.stop()
    this.#tellChanges()
    this.#clearLog()
    for (const listener of this.#apart) {
      listener.position = 0
      listener.own = ownKeys(listener.member)
    }
    this.#apart.clear()
    let hasMore = false
    for (const listener of this.#behind) hasMore = this.#goOn(listener) || hasMore
    this.#lists.clear()
    if (hasMore) this.#schedule()
  }

  #clearLog(): void {
    this.#log.clear()
    this.#lists.clear()
  }

  #tellChanges(): void {
    const changes = this.#log.since(0)
    for (const [prefix, group] of isEmpty(changes) ? [] : this.#groups) {
      let message: EncodedTexts | undefined
      for (const listener of group) {
        if (!this.#apart.has(listener)) this.#tell(listener, (message ??= changesMessage(changes, prefix)), changes)
      }
    }
    const since = new Map([[0, changes]])
    for (const listener of this.#apart) {
      const { member, position, prefix, list } = listener
      if (list === 'due') continue
      const missed = since.get(position) ?? this.#log.since(position)
      since.set(position, missed)
      const own = changesForOwner(missed, listener.own, ownKeys(member), (key) => this.#registry.byKey(key))
      if (!isEmpty(own)) this.#tell(listener, changesMessage(own, prefix), own)
    }
  }

  #tell(listener: Listener, message: EncodedTexts, { joined }: Changes): void {
    if (listener.list === 'due') return
    const { session } = listener.member
    if (session.buffered > SLOW_FROM) {
      // Nothing is buffered for one that reads slowly: it gets a list once it has read.
      listener.list = 'due'
      this.#behind.add(listener)
      return
    }
    session.sendEncoded(message)
    this.#counters.announcements += joined.size
  }

  /**
   * Sends as much of a full list as the client may have unsent.
   *
   * @returns whether there is more to send, and some of it was sent
   */
  #goOn(listener: Listener): boolean {
    const { session } = listener.member
    if (session.buffered > LIST_UP_TO) return false
    const list = this.#listOf(listener)
    // Who has left since the last batch is named: the next one tells who is gone, but not who has come back.
    const { left } = this.#log.since(listener.position)
    const isThere = (key: string) => this.#registry.byKey(key) !== undefined || left.has(key)
    do {
      const { message, count } = list.peers.part(list.next, listener.own, isThere)
      session.sendEncoded(message)
      this.#counters.announcements += count
      if (++list.next === list.peers.length) {
        listener.list = undefined
        this.#behind.delete(listener)
        return false
      }
    } while (session.buffered <= LIST_UP_TO)
    return true
  }

  /**
   * The list that a listener is getting. Who comes or leaves after it was made is told by the next batch; who has left
   * before that, and has not been named yet, is left out.
   */
  #listOf(listener: Listener): { readonly peers: PeerList; next: number } {
    if (typeof listener.list === 'object') return listener.list
    const peers = this.#listUnder(listener.prefix)
    listener.own = ownKeys(listener.member)
    listener.position = peers.position
    if (this.#log.length > 0) this.#apart.add(listener)
    else this.#apart.delete(listener)
    listener.list = { peers, next: 0 }
    return listener.list
  }

  #listUnder(prefix: string | undefined): PeerList {
    const last = this.#registry.size > this.#sharedFrom ? this.#lists.get(prefix) : undefined
    if (last !== undefined) return last
    const list = new PeerList(this.#registry.peers(), prefix, this.#log.length)
    this.#lists.set(prefix, list)
    return list
  }
}

function ownKeys(member: Member): string[] {
  return Array.from(member.addresses.values(), keyOf)
}

function isEmpty({ joined, left }: Changes): boolean {
  return joined.size === 0 && left.size === 0
}

function changesMessage({ joined, left }: Changes, prefix: string | undefined): EncodedTexts {
  const addresses = (entries: Changes['joined']) =>
    Array.from(entries.values(), (entry) => canonicalUnder(entry, prefix))
  const delta: PeersDelta = { joined: addresses(joined), left: addresses(left) }
  return new EncodedTexts([eventText(EVENTS.peers, [delta])])
}
