import type { Counters } from '../stats.js'
import type { DiscoveryBudget } from './budget.js'
import { ownKeys, type Subscriber } from './subscriber.js'
import { SLOW_BACKLOG } from './batch-pause.js'
import { FullList } from './full-list.js'
import type { VisiblePeers } from './visible-peers.js'
import { GroupRotation } from './group-rotation.js'

const MIN_SHARED_PEERS = 256
/** Backlog in bytes above which a full list pauses. One more part could make the client count as slow. */
const MAX_BACKLOG = SLOW_BACKLOG / 2

/** Sends full lists in parts, to clients of each IP address in turn, as the budget and the client's backlog allow. */
export class FullListSender {
  readonly #minSharedPeers: number
  readonly #peers: VisiblePeers
  readonly #budget: DiscoveryBudget
  readonly #counters: Counters
  readonly #onBegun: (subscriber: Subscriber) => void
  readonly #rotation = new GroupRotation<Subscriber>(({ member }) => member.session.account.address)
  #isBudgetSpent = false
  readonly #shared = new Map<string | undefined, FullList>()

  /** @param onBegun - called when a list begins, after the subscriber's `position` was set to that of the list */
  constructor(
    presence: VisiblePeers,
    budget: DiscoveryBudget,
    counters: Counters,
    onBegun: (subscriber: Subscriber) => void,
    minSharedPeers = MIN_SHARED_PEERS
  ) {
    this.#peers = presence
    this.#budget = budget
    this.#counters = counters
    this.#onBegun = onBegun
    this.#minSharedPeers = minSharedPeers
  }

  /** Whether no client waits for a list or the rest of one. */
  get isEmpty(): boolean {
    return this.#rotation.isEmpty
  }

  add(subscriber: Subscriber): void {
    this.#rotation.add(subscriber)
  }

  delete(subscriber: Subscriber): void {
    this.#rotation.delete(subscriber)
    if (this.isEmpty) this.#isBudgetSpent = false
  }

  /** Sends one client as much of its list as the budget allows, unless other clients are already waiting for the budget. */
  sendTo(subscriber: Subscriber): void {
    while (!this.#isBudgetSpent && this.#canSend(subscriber)) this.#sendPart(subscriber)
    if (subscriber.list !== undefined) this.#isBudgetSpent ||= this.#budget.left('lists') <= 0
  }

  /** Sends as much as the budget allows to all waiting clients. @returns whether to call again later */
  send(): boolean {
    const served = new Set<Subscriber>()
    let waitsForBudget = false
    let isOver = false
    while (!isOver) {
      isOver = true
      this.#rotation.round(
        (subscriber) => {
          if (!this.#hasBudget(subscriber)) waitsForBudget = true
          return this.#canSend(subscriber)
        },
        (subscriber) => {
          isOver = false
          served.add(subscriber)
          this.#sendPart(subscriber)
        }
      )
    }
    this.#isBudgetSpent = !this.isEmpty && this.#budget.left('lists') <= 0
    return waitsForBudget || [...served].some(({ list }) => list !== undefined)
  }

  /** Shares the existing lists with no further clients. Clients that are receiving a list still get the rest. */
  stopSharing(): void {
    for (const list of this.#shared.values()) list.stopSharing()
    this.#shared.clear()
  }

  #hasBudget({ member: { session } }: Subscriber): boolean {
    return this.#budget.left('lists') > 0 && this.#budget.leftFor(session.remote) > 0
  }

  #canSend(subscriber: Subscriber): boolean {
    const { member, list } = subscriber
    return list !== undefined && member.session.buffered <= MAX_BACKLOG && this.#hasBudget(subscriber)
  }

  #sendPart(subscriber: Subscriber): void {
    const { session } = subscriber.member
    const list = this.#listOf(subscriber)
    // Peers that left since the last batch stay in the list: a peer that comes back before the next batch is in no batch.
    const { left } = this.#peers.log.since(subscriber.position)
    const isListed = (key: string) => this.#peers.find(key) !== undefined || left.has(key)
    const { message, count } = list.peers.part(list.next, subscriber.own, isListed)
    session.sendEncoded(message)
    this.#counters.announcements += count
    this.#budget.spendFor(session.remote, 'lists', message.size)
    if (++list.next < list.peers.length) return
    subscriber.list = undefined
    this.delete(subscriber)
  }

  /** Returns the subscriber's list, and begins a due one. Changes after the list was made are in later batches. */
  #listOf(subscriber: Subscriber): { readonly peers: FullList; next: number } {
    if (typeof subscriber.list === 'object') return subscriber.list
    const peers = this.#listUnder(subscriber.prefix)
    subscriber.own = ownKeys(subscriber.member)
    subscriber.position = peers.position
    subscriber.list = { peers, next: 0 }
    this.#onBegun(subscriber)
    return subscriber.list
  }

  #listUnder(prefix: string | undefined): FullList {
    const last = this.#shared.get(prefix)
    if (last !== undefined && this.#peers.size > this.#minSharedPeers) return last
    last?.stopSharing()
    const list = new FullList(this.#peers.peers(), prefix, this.#peers.log.end)
    this.#shared.set(prefix, list)
    return list
  }
}
