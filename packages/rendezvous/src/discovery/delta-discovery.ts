import { EVENTS, type PeersDelta } from '@websocket-star/protocol'
import { EncodedTexts } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { canonicalUnder, type PeerEntry } from '../registry/peer-entry.js'
import { Groups } from '../registry/groups.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'
import type { Counters } from '../stats.js'
import { announcementSize } from './announcement-batch.js'
import type { DiscoveryBudget } from './budget.js'
import { withoutOwnPeers, type NetChanges } from './change-log.js'
import { FullListSender } from './full-list-sender.js'
import { ownKeys, type Subscriber } from './subscriber.js'
import { pauseBetween, SLOW_BACKLOG } from './batch-pause.js'
import { VisiblePeers } from './visible-peers.js'

/** A delta, encoded; `count` is the number of peers that joined. The delta is undefined if nothing changed. */
type EncodedDelta = { message: EncodedTexts; count: number } | undefined

/**
 * Sends changes of the online peers, in batches, to the clients that asked for deltas. After each batch a client knows the
 * peers that the registry had when the batch began, except its own. While the budget is used up, the batch pauses. Changes
 * that happen during a batch are part of the next one.
 */
export class DeltaDiscovery {
  readonly #interval: number
  readonly #budget: DiscoveryBudget
  readonly #counters: Counters
  readonly #peers: VisiblePeers
  readonly #lists: FullListSender
  readonly #subscribers = new Map<SessionEntry, Subscriber>()
  readonly #groups = new Groups<Subscriber>()
  /** Log position at which the current batch ends; undefined between batches. */
  #batchEnd: number | undefined
  /** Subscribers that cannot share a batch: their full list already contains some of its changes, or their own peers changed. */
  readonly #individual = new Set<Subscriber>()
  #timer: NodeJS.Timeout | undefined

  /**
   * @param interval - milliseconds between batches
   * @param minSharedPeers - a full list of more peers than this is reused for other clients until the next batch
   */
  constructor(
    interval: number,
    registry: Registry,
    budget: DiscoveryBudget,
    counters: Counters,
    minSharedPeers?: number
  ) {
    this.#interval = interval
    this.#budget = budget
    this.#counters = counters
    this.#peers = new VisiblePeers(registry, budget)
    const onBegun = (subscriber: Subscriber) => this.#listBegun(subscriber)
    this.#lists = new FullListSender(this.#peers, budget, counters, onBegun, minSharedPeers)
    registry.observe({
      presence: (entry, isOnline) => {
        if (this.#subscribers.size === 0) return
        this.#peers.changed(entry, isOnline, announcementSize(this.#groups))
        this.#schedule()
      },
      addressesChanged: (member) => this.#addressesChanged(member),
      joinAnswered: (member) => this.#sendDueList(member)
    })
  }

  #addressesChanged(member: SessionEntry): void {
    if (member.session.peers !== 'deltas') return
    if (member.addresses.size === 0) return this.#forget(member)
    let subscriber = this.#subscribers.get(member)
    if (subscriber !== undefined && subscriber.prefix === member.prefix) {
      this.#individual.add(subscriber)
    } else {
      this.#forget(member)
      subscriber = { member, prefix: member.prefix, own: [], position: 0, list: 'due' }
      this.#subscribers.set(member, subscriber)
      this.#groups.add(subscriber.prefix, subscriber)
      this.#lists.add(subscriber)
    }
    this.#schedule()
  }

  /** Sends a client its full list without waiting for the next batch. */
  #sendDueList(member: SessionEntry): void {
    const subscriber = this.#subscribers.get(member)
    // #flush continues a list that has begun, after the changes of a batch.
    if (subscriber?.list !== 'due') return
    this.#lists.sendTo(subscriber)
    if (subscriber.list !== undefined) this.#schedule()
  }

  #forget(member: SessionEntry): void {
    const subscriber = this.#subscribers.get(member)
    if (subscriber === undefined) return
    this.#subscribers.delete(member)
    this.#groups.delete(subscriber.prefix, subscriber)
    this.#individual.delete(subscriber)
    this.#lists.delete(subscriber)
    if (this.#subscribers.size > 0) return
    this.#peers.clear()
    this.#batchEnd = undefined
    this.#lists.stopSharing()
    this.stop()
  }

  /** If any clients wait for a full list, sends the next batch and lists now: a client that was too slow may have caught up. */
  sweep(): void {
    if (!this.#lists.isEmpty) this.#flush()
  }

  /** Cancels the next batch. The next change schedules another one. */
  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): void {
    if (this.#timer !== undefined) return
    const pause = Math.max(this.#interval, pauseBetween(this.#subscribers.size))
    this.#timer = setTimeout(() => this.#flush(), pause).unref()
  }

  #flush(): void {
    this.stop()
    if (this.#peers.hasWithheld) this.#release()
    this.#sendChanges()
    // A full list made before this batch lacks the batch's changes, and the log may have dropped them: no more clients get it.
    this.#lists.stopSharing()
    const hasMore = this.#lists.send()
    this.#lists.stopSharing()
    if (hasMore || this.#peers.hasWithheld || this.#individual.size > 0 || !this.#peers.log.isEmpty) this.#schedule()
  }

  /**
   * Announces withheld newcomers whose IP address has budget again. The newcomer's own client then gets an individual batch,
   * because the shared one would tell it about its own peer.
   */
  #release(): void {
    for (const { owners } of this.#peers.release(announcementSize(this.#groups))) {
      for (const { sessionEntry } of owners) {
        const subscriber = this.#subscribers.get(sessionEntry)
        if (subscriber !== undefined) this.#individual.add(subscriber)
      }
    }
  }

  /** Sends changes as far as the budget allows, to each client once per batch. */
  #sendChanges(): void {
    const { log } = this.#peers
    const isNew = this.#batchEnd === undefined
    const end = (this.#batchEnd ??= log.end)
    for (const subscriber of this.#individual) {
      if (subscriber.list !== 'due' && subscriber.position >= end && !isNew) continue
      if (this.#budget.left('changes') <= 0) return
      this.#individual.delete(subscriber)
      if (subscriber.list !== 'due') this.#tell(subscriber, this.#individualDelta(subscriber))
    }
    for (const [prefix, group] of log.isEmpty ? [] : this.#groups) {
      const batches = new Map<number, EncodedDelta>()
      for (const subscriber of group) {
        const { position, list } = subscriber
        if (list === 'due' || position >= end) continue
        if (this.#budget.left('changes') <= 0) return
        if (!batches.has(position)) batches.set(position, encodeDelta(log.since(position, end), prefix))
        subscriber.position = end
        this.#tell(subscriber, batches.get(position))
      }
    }
    this.#batchEnd = undefined
    log.forget(end)
  }

  /** Returns all changes up to now, without the client's own peers. */
  #individualDelta(subscriber: Subscriber): EncodedDelta {
    const { log } = this.#peers
    const { member, position, own, prefix } = subscriber
    subscriber.own = ownKeys(member)
    subscriber.position = log.end
    const find = (key: string) => this.#peers.find(key)
    return encodeDelta(withoutOwnPeers(log.since(position), own, subscriber.own, find), prefix)
  }

  /** Schedules an individual batch for a client whose full list has begun, if the list lacks the latest changes. */
  #listBegun(subscriber: Subscriber): void {
    if (this.#peers.log.end > subscriber.position) this.#individual.add(subscriber)
    else this.#individual.delete(subscriber)
  }

  #tell(subscriber: Subscriber, batch: EncodedDelta): void {
    if (batch === undefined) return
    const { session } = subscriber.member
    const isOverBudget = subscriber.list === undefined && this.#budget.leftFor(session.remote) <= 0
    if (session.buffered > SLOW_BACKLOG || isOverBudget) {
      // A client that reads slowly, or whose IP address has used up its budget, gets a full list later instead of this batch.
      subscriber.list = 'due'
      this.#lists.add(subscriber)
      return
    }
    session.sendEncoded(batch.message)
    this.#counters.announcements += batch.count
    this.#budget.spendFor(session.remote, 'changes', batch.message.size)
  }
}

function encodeDelta({ joined, left }: NetChanges, prefix: string | undefined): EncodedDelta {
  if (joined.size === 0 && left.size === 0) return undefined
  const addresses = (entries: ReadonlyMap<string, PeerEntry>) =>
    Array.from(entries.values(), (entry) => canonicalUnder(entry, prefix))
  const delta: PeersDelta = { joined: addresses(joined), left: addresses(left) }
  return { message: new EncodedTexts([eventText(EVENTS.peers, [delta])]), count: joined.size }
}
