import { EVENTS, rebase, type PeersDelta } from '@websocket-star/protocol'
import type { Counters } from '../stats.js'
import { eventText } from '../wire/packet.js'
import { ChangeLog, changesForOwner, type Changes } from './changes.js'
import { Groups } from './groups.js'
import { SLOW_FROM, type Member } from './member.js'
import { keyOf, type Entry, type Registry } from './registry.js'

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
  list: 'due' | Iterator<Entry> | undefined
}

/** Peers in one message of a full list, at most. */
const PART_PEERS = 1_000
/** Characters of their addresses from which on a message is full as well. */
const PART_LENGTH = 131_072
/** Bytes unsent above which a full list waits: one part more, and the client would be too slow to hear of changes. */
const LIST_UP_TO = SLOW_FROM / 2

/**
 * Tells the clients that want it who came and who left since the last time, in batches. What a client knows after each is
 * what the registry holds, without its own peers. Clients of one prefix share a batch's text.
 */
export class Deltas {
  readonly #interval: number
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
  #timer: NodeJS.Timeout | undefined

  /** @param interval - milliseconds in which changes are gathered */
  constructor(interval: number, registry: Registry, counters: Counters) {
    this.#interval = interval
    this.#registry = registry
    this.#counters = counters
    registry.watch((entry, isThere) => {
      if (this.#listeners.size === 0) return
      this.#log.add(entry, isThere)
      this.#schedule()
    })
  }

  /** A client that holds an address listens from now on, or its addresses changed. */
  refresh(member: Member): void {
    let listener = this.#listeners.get(member)
    if (listener !== undefined && listener.prefix === member.prefix) {
      this.#apart.add(listener)
    } else {
      this.forget(member)
      listener = { member, prefix: member.prefix, own: [], position: 0, list: 'due' }
      this.#listeners.set(member, listener)
      this.#groups.add(listener.prefix, listener)
      this.#behind.add(listener)
    }
    this.#schedule()
  }

  /** Gives a client the full list it is due, without waiting for the next batch. */
  welcome(member: Member): void {
    const listener = this.#listeners.get(member)
    // A list that has begun goes on when the log is empty, for it tells what the log tells too.
    if (listener?.list === 'due' && this.#goOn(listener)) this.#schedule()
  }

  /** Tells a client nothing more. */
  forget(member: Member): void {
    const listener = this.#listeners.get(member)
    if (listener === undefined) return
    this.#listeners.delete(member)
    this.#groups.delete(listener.prefix, listener)
    this.#apart.delete(listener)
    this.#behind.delete(listener)
    if (this.#listeners.size > 0) return
    this.#log.clear()
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
    this.#timer ??= setTimeout(() => this.#flush(), this.#interval).unref()
  }

  #flush(): void {
    this.stop()
    this.#tellChanges()
    this.#log.clear()
    for (const listener of this.#apart) {
      listener.position = 0
      listener.own = ownKeys(listener.member)
    }
    this.#apart.clear()
    let hasMore = false
    for (const listener of this.#behind) hasMore = this.#goOn(listener) || hasMore
    if (hasMore) this.#schedule()
  }

  #tellChanges(): void {
    const changes = this.#log.since(0)
    for (const [prefix, group] of isEmpty(changes) ? [] : this.#groups) {
      let text: string | undefined
      for (const listener of group) {
        if (!this.#apart.has(listener)) this.#tell(listener, (text ??= changesText(changes, prefix)), changes)
      }
    }
    for (const listener of this.#apart) {
      const { member, position, prefix, list } = listener
      if (list === 'due') continue
      const missed = position === 0 ? changes : this.#log.since(position)
      const own = changesForOwner(missed, listener.own, ownKeys(member), (key) => this.#registry.byKey(key))
      if (!isEmpty(own)) this.#tell(listener, changesText(own, prefix), own)
    }
  }

  #tell(listener: Listener, text: string, { joined }: Changes): void {
    if (listener.list === 'due') return
    const { session } = listener.member
    if (session.buffered > SLOW_FROM) {
      // Nothing is buffered for one that reads slowly: it gets a list once it has read.
      listener.list = 'due'
      this.#behind.add(listener)
      return
    }
    session.sendText(text)
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
    let isFirst = listener.list === 'due'
    const rest = this.#restOf(listener)
    do {
      const { addresses, isLast } = nextPart(rest, listener)
      const delta: PeersDelta = { joined: addresses, left: [], ...(isFirst ? { full: true } : {}) }
      if (isFirst || addresses.length > 0) session.sendText(eventText(EVENTS.peers, [delta]))
      this.#counters.announcements += addresses.length
      if (isLast) {
        listener.list = undefined
        this.#behind.delete(listener)
        return false
      }
      isFirst = false
    } while (session.buffered <= LIST_UP_TO)
    return true
  }

  /**
   * The peers that a list has still to name, from the registry as it is. Who comes later is named at its end, by a batch,
   * or by both.
   */
  #restOf(listener: Listener): Iterator<Entry> {
    if (typeof listener.list === 'object') return listener.list
    listener.list = this.#registry.peers()
    listener.own = ownKeys(listener.member)
    listener.position = this.#log.length
    if (listener.position > 0) this.#apart.add(listener)
    else this.#apart.delete(listener)
    return listener.list
  }
}

function ownKeys(member: Member): string[] {
  return Array.from(member.addresses.values(), keyOf)
}

function isEmpty({ joined, left }: Changes): boolean {
  return joined.size === 0 && left.size === 0
}

function changesText({ joined, left }: Changes, prefix: string | undefined): string {
  const addresses = (entries: Changes['joined']) => Array.from(entries.values(), (entry) => addressOf(entry, prefix))
  const delta: PeersDelta = { joined: addresses(joined), left: addresses(left) }
  return eventText(EVENTS.peers, [delta])
}

function nextPart(rest: Iterator<Entry>, { own, prefix }: Listener): { addresses: string[]; isLast: boolean } {
  const addresses: string[] = []
  for (let length = 0; addresses.length < PART_PEERS && length < PART_LENGTH;) {
    const next = rest.next()
    if (next.done) return { addresses, isLast: true }
    if (own.includes(next.value.key)) continue
    const address = addressOf(next.value, prefix)
    addresses.push(address)
    length += address.length
  }
  return { addresses, isLast: false }
}

/** What a peer is called under a prefix. It is the same for as long as the peer is there, whoever holds it. */
function addressOf({ peerId, key }: Entry, prefix = ''): string {
  return peerId === undefined ? key : rebase(peerId, prefix, 'canonical')
}
