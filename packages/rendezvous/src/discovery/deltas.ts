import { EVENTS, type PeersDelta } from '@websocket-star/protocol'
import { EncodedTexts } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { canonicalUnder, type Entry } from '../registry/entry.js'
import { Groups } from '../registry/groups.js'
import type { Member } from '../registry/member.js'
import type { Registry } from '../registry/registry.js'
import type { Counters } from '../stats.js'
import { announcementSize } from './announcements.js'
import type { DiscoveryBudget } from './budget.js'
import { changesForOwner, type Changes } from './changes.js'
import { FullLists } from './full-lists.js'
import { ownKeys, type Listener } from './listener.js'
import { pauseBetween, SLOW_FROM } from './pace.js'
import { Presence } from './presence.js'

/** The text of a batch, and how many joined; undefined if nothing changed. */
type Batch = { message: EncodedTexts; count: number } | undefined

/**
 * Tells the clients that want it who came and who left since the last time, in batches. What a client knows after each is
 * what the registry held when the batch was begun, without its own peers. Clients of one prefix share a batch's text.
 *
 * While the budget is used up, those who have not heard of a batch wait, and further changes are gathered meanwhile.
 */
export class Deltas {
  readonly #interval: number
  readonly #budget: DiscoveryBudget
  readonly #counters: Counters
  readonly #presence: Presence
  readonly #lists: FullLists
  readonly #listeners = new Map<Member, Listener>()
  readonly #groups = new Groups<Listener>()
  /** How much of the log those know who have heard of the batch under way. */
  #batchEnd: number | undefined
  /** To whom the next batch is not what it is to the others: they know a part of it, or their own peers changed. */
  readonly #apart = new Set<Listener>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param interval - milliseconds in which changes are gathered
   * @param sharedFrom - of so many peers a list serves all who want one before the next batch
   */
  constructor(interval: number, registry: Registry, budget: DiscoveryBudget, counters: Counters, sharedFrom?: number) {
    this.#interval = interval
    this.#budget = budget
    this.#counters = counters
    this.#presence = new Presence(registry, budget)
    const onBegun = (listener: Listener) => this.#follow(listener)
    this.#lists = new FullLists(this.#presence, budget, counters, onBegun, sharedFrom)
    registry.watch({
      presence: (entry, isOnline) => {
        if (this.#listeners.size === 0) return
        this.#presence.changed(entry, isOnline, announcementSize(this.#groups))
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
      this.#lists.add(listener)
    }
    this.#schedule()
  }

  /** Sends a client the full list it is due, without waiting for the next batch. */
  #welcome(member: Member): void {
    const listener = this.#listeners.get(member)
    // A list that has begun goes on when the log is empty, for it tells what the log tells too.
    if (listener?.list !== 'due') return
    this.#lists.sendTo(listener)
    if (listener.list !== undefined) this.#schedule()
  }

  #forget(member: Member): void {
    const listener = this.#listeners.get(member)
    if (listener === undefined) return
    this.#listeners.delete(member)
    this.#groups.delete(listener.prefix, listener)
    this.#apart.delete(listener)
    this.#lists.delete(listener)
    if (this.#listeners.size > 0) return
    this.#presence.clear()
    this.#batchEnd = undefined
    this.#lists.unshare()
    this.stop()
  }

  /** Looks whether those who read slowly have read by now. */
  sweep(): void {
    if (!this.#lists.isEmpty) this.#flush()
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
    if (this.#presence.isHolding) this.#release()
    this.#tellChanges()
    // A list from before the batch lacks changes that the log has forgotten by now.
    this.#lists.unshare()
    const hasMore = this.#lists.send()
    this.#lists.unshare()
    if (hasMore || this.#presence.isHolding || this.#apart.size > 0 || !this.#presence.log.isEmpty) this.#schedule()
  }

  /** Tells of newcomers that were held back, but not their own clients. */
  #release(): void {
    for (const { holders } of this.#presence.release(announcementSize(this.#groups))) {
      for (const { member } of holders) {
        const listener = this.#listeners.get(member)
        if (listener !== undefined) this.#apart.add(listener)
      }
    }
  }

  /** Tells of changes as far as the budget goes, each client once in a batch. */
  #tellChanges(): void {
    const { log } = this.#presence
    const isNew = this.#batchEnd === undefined
    const end = (this.#batchEnd ??= log.end)
    for (const listener of this.#apart) {
      if (listener.list !== 'due' && listener.position >= end && !isNew) continue
      if (this.#budget.left('changes') <= 0) return
      this.#apart.delete(listener)
      if (listener.list !== 'due') this.#tell(listener, this.#batchApart(listener))
    }
    for (const [prefix, group] of log.isEmpty ? [] : this.#groups) {
      const batches = new Map<number, Batch>()
      for (const listener of group) {
        const { position, list } = listener
        if (list === 'due' || position >= end) continue
        if (this.#budget.left('changes') <= 0) return
        if (!batches.has(position)) batches.set(position, batchOf(log.since(position, end), prefix))
        listener.position = end
        this.#tell(listener, batches.get(position))
      }
    }
    this.#batchEnd = undefined
    log.forget(end)
  }

  /** What a client is told whose own peers changed, or who knows a part of the batch: everything up to now. */
  #batchApart(listener: Listener): Batch {
    const { log } = this.#presence
    const { member, position, own, prefix } = listener
    listener.own = ownKeys(member)
    listener.position = log.end
    const find = (key: string) => this.#presence.find(key)
    return batchOf(changesForOwner(log.since(position), own, listener.own, find), prefix)
  }

  /** The list of a client has begun: further batches tell it what is not in the list. */
  #follow(listener: Listener): void {
    if (this.#presence.log.end > listener.position) this.#apart.add(listener)
    else this.#apart.delete(listener)
  }

  #tell(listener: Listener, batch: Batch): void {
    if (batch === undefined) return
    const { session } = listener.member
    const isOver = listener.list === undefined && this.#budget.leftFor(session.remote) <= 0
    if (session.buffered > SLOW_FROM || isOver) {
      // Nothing is kept for one that reads slowly, or whose address was sent too much: it gets a list when it can.
      listener.list = 'due'
      this.#lists.add(listener)
      return
    }
    session.sendEncoded(batch.message)
    this.#counters.announcements += batch.count
    this.#budget.spendFor(session.remote, 'changes', batch.message.size)
  }
}

function batchOf({ joined, left }: Changes, prefix: string | undefined): Batch {
  if (joined.size === 0 && left.size === 0) return undefined
  const addresses = (entries: ReadonlyMap<string, Entry>) =>
    Array.from(entries.values(), (entry) => canonicalUnder(entry, prefix))
  const delta: PeersDelta = { joined: addresses(joined), left: addresses(left) }
  return { message: new EncodedTexts([eventText(EVENTS.peers, [delta])]), count: joined.size }
}
