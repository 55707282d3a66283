import type { Counters } from '../stats.js'
import type { DiscoveryBudget } from './budget.js'
import { ownKeys, type Listener } from './listener.js'
import { SLOW_FROM } from './pace.js'
import { PeerList } from './peer-list.js'
import type { Presence } from './presence.js'
import { Turns } from './turns.js'

const SHARED_FROM = 256
/** Bytes unsent above which a full list waits: one part more, and the client would be too slow to hear of changes. */
const UNSENT_UP_TO = SLOW_FROM / 2

/**
 * Sends full lists to those who are due one, a part at a time: as far as the budget and the share of their IP address go,
 * as they take it, and by turns of addresses.
 */
export class FullLists {
  readonly #sharedFrom: number
  readonly #presence: Presence
  readonly #budget: DiscoveryBudget
  readonly #counters: Counters
  readonly #onBegun: (listener: Listener) => void
  readonly #waiting = new Turns<Listener>(({ member }) => member.session.account.address)
  /** Some wait for the budget. */
  #isShort = false
  /** The last list of each prefix, for others who want one. */
  readonly #last = new Map<string | undefined, PeerList>()

  /**
   * @param onBegun - told who has been sent a first part, and knows the place in the log that the list was made at
   * @param sharedFrom - of so many peers a list serves all who want one before {@link unshare}
   */
  constructor(
    presence: Presence,
    budget: DiscoveryBudget,
    counters: Counters,
    onBegun: (listener: Listener) => void,
    sharedFrom = SHARED_FROM
  ) {
    this.#presence = presence
    this.#budget = budget
    this.#counters = counters
    this.#onBegun = onBegun
    this.#sharedFrom = sharedFrom
  }

  /** Nobody waits for a list, or for the rest of one. */
  get isEmpty(): boolean {
    return this.#waiting.isEmpty
  }

  add(listener: Listener): void {
    this.#waiting.add(listener)
  }

  delete(listener: Listener): void {
    this.#waiting.delete(listener)
    if (this.isEmpty) this.#isShort = false
  }

  /** Sends one client as much of its list as it may get now. Others who wait for the budget come first. */
  sendTo(listener: Listener): void {
    while (!this.#isShort && this.#mayGoOn(listener)) this.#sendPart(listener)
    if (listener.list !== undefined) this.#isShort ||= this.#budget.left('lists') <= 0
  }

  /**
   * Sends everyone as much as they may get now.
   *
   * @returns whether there will be more to send after a while
   */
  send(): boolean {
    const served = new Set<Listener>()
    let waitsForBudget = false
    let isOver = false
    while (!isOver) {
      isOver = true
      this.#waiting.round(
        (listener) => {
          if (!this.#mayAfford(listener)) waitsForBudget = true
          return this.#mayGoOn(listener)
        },
        (listener) => {
          isOver = false
          served.add(listener)
          this.#sendPart(listener)
        }
      )
    }
    this.#isShort = !this.isEmpty && this.#budget.left('lists') <= 0
    return waitsForBudget || [...served].some(({ list }) => list !== undefined)
  }

  /** Lists that were made serve nobody but those who are getting them. */
  unshare(): void {
    for (const list of this.#last.values()) list.unshare()
    this.#last.clear()
  }

  #mayAfford({ member: { session } }: Listener): boolean {
    return this.#budget.left('lists') > 0 && this.#budget.leftFor(session.remote) > 0
  }

  #mayGoOn(listener: Listener): boolean {
    const { member, list } = listener
    return list !== undefined && member.session.buffered <= UNSENT_UP_TO && this.#mayAfford(listener)
  }

  #sendPart(listener: Listener): void {
    const { session } = listener.member
    const list = this.#listOf(listener)
    // Who has left since the last batch is named: the next one tells who is gone, but not who has come back.
    const { left } = this.#presence.log.since(listener.position)
    const isThere = (key: string) => this.#presence.find(key) !== undefined || left.has(key)
    const { message, count } = list.peers.part(list.next, listener.own, isThere)
    session.sendEncoded(message)
    this.#counters.announcements += count
    this.#budget.spendFor(session.remote, 'lists', message.size)
    if (++list.next < list.peers.length) return
    listener.list = undefined
    this.delete(listener)
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
    listener.list = { peers, next: 0 }
    this.#onBegun(listener)
    return listener.list
  }

  #listUnder(prefix: string | undefined): PeerList {
    const last = this.#last.get(prefix)
    if (last !== undefined && this.#presence.size > this.#sharedFrom) return last
    last?.unshare()
    const list = new PeerList(this.#presence.peers(), prefix, this.#presence.log.end)
    this.#last.set(prefix, list)
    return list
  }
}
