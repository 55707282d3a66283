import type { Entry } from '../registry/entry.js'
import { Groups } from '../registry/groups.js'
import type { Member } from '../registry/member.js'
import type { Registry } from '../registry/registry.js'
import type { Counters, DiscoveryKind } from '../stats.js'
import { Announcements, announcementSize } from './announcements.js'
import { Broadcasts } from './broadcasts.js'
import type { DiscoveryBudget } from './budget.js'
import { Newcomers } from './newcomers.js'
import { originOf } from './origin.js'
import { SLOW_FROM } from './pace.js'
import { RecentKeys } from './recent-keys.js'

export interface DiscoveryOptions {
  /** Peers announced to a client per interval, and newcomers announced at once per second. */
  window: number
}

/**
 * Tells each client of the others, under the prefix it joined with itself, and never of its own peer. Here are the
 * announcements of the protocol, whose bytes clients of one prefix share; those who want to hear of changes only are told
 * by {@link Deltas}.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #registry: Registry
  readonly #budget: DiscoveryBudget
  readonly #counters: Counters
  readonly #newcomers: Newcomers
  /** The clients that hear announcements. */
  readonly #listeners = new Groups<Member>()
  readonly #broadcasts: Broadcasts
  #broadcastsSent = 0
  readonly #recent: RecentKeys
  /** Not all have been told of the last window. */
  #inRound = false

  constructor(
    options: DiscoveryOptions,
    registry: Registry,
    budget: DiscoveryBudget,
    counters: Counters,
    now: () => number = () => performance.now(),
    onFault: (error: unknown) => void = rethrow
  ) {
    this.#options = options
    this.#registry = registry
    this.#budget = budget
    this.#counters = counters
    this.#newcomers = new Newcomers(options.window, (entries, done) => this.#announce(entries, done), now)
    this.#broadcasts = new Broadcasts(onFault, now)
    this.#recent = new RecentKeys(now)
    registry.watch({
      introduce: (entry) => this.introduce(entry),
      moved: (member, before) => this.#moved(member, before)
    })
  }

  /**
   * Tells everyone of a newcomer: at once, or with others that come at about the same time. Past the limit per second,
   * past the budget, or past the share of its IP address, it waits for its turn in the windows.
   *
   * @returns resolves once they have been told; undefined if there is nothing to wait for
   */
  introduce(entry: Entry): Promise<void> | undefined {
    const cost = announcementSize(this.#listeners)
    if (cost === 0 || !this.#newcomers.hasRoom() || !this.#mayAnnounce(entry, cost)) return undefined
    this.#budget.cause(originOf(entry), cost)
    let isTold = false
    const told = new Promise<void>((resolve) => {
      const introduced = () => {
        isTold = true
        resolve()
      }
      this.#newcomers.add(entry, introduced, this.#listeners.count)
    })
    return isTold ? undefined : told
  }

  /** Tells everyone of the next window of peers. */
  tick(): void {
    if (this.#inRound) return
    const entries = this.#registry.window(this.#windowSize())
    if (entries.length === 0) return
    this.#inRound = true
    this.#broadcasts.start(this.#tellAll(entries, 'windows'), () => {
      this.#inRound = false
    })
  }

  stop(): void {
    this.#newcomers.stop()
    this.#broadcasts.stop()
    this.#inRound = false
  }

  /** A client hears announcements while it has an address. */
  #moved(member: Member, before: string | undefined): void {
    this.#listeners.delete(before, member)
    if (member.addresses.size > 0 && member.session.peers === 'windows') this.#listeners.add(member.prefix, member)
  }

  /** @param cost - bytes it takes to tell everyone of it */
  #mayAnnounce(entry: Entry, cost: number): boolean {
    // Who comes and goes all the time uses up what others need, and everyone has heard of it.
    const isRepeated = this.#recent.add(entry.key)
    if (isRepeated && !this.#budget.isAmple('newcomers')) return false
    const waiting = cost * this.#newcomers.size
    return waiting + cost < this.#budget.left('newcomers') && this.#budget.mayCause(originOf(entry))
  }

  /** How many peers the budget lets everyone be told of now. */
  #windowSize(): number {
    const cost = announcementSize(this.#listeners)
    if (cost === 0) return 0
    const affordable = Math.floor(this.#budget.left('windows') / cost)
    // More clients than the whole budget has bytes for are told of one peer now and then.
    return Math.min(this.#options.window, affordable > 0 ? affordable : this.#budget.isSaved('windows') ? 1 : 0)
  }

  /** Tells everyone of peers, a client with each step. */
  *#tellAll(entries: readonly Entry[], kind: DiscoveryKind): Generator<void> {
    const broadcast = ++this.#broadcastsSent
    for (const [prefix, group] of this.#listeners) {
      const announcements = new Announcements(entries, prefix)
      for (const member of group) {
        // Who joined or left an address meanwhile has moved to the end.
        if (member.told === broadcast) continue
        member.told = broadcast
        this.#tell(member, announcements, kind)
        yield
      }
    }
  }

  /** Tells everyone of newcomers that are there still. */
  #announce(newcomers: readonly Entry[], done: () => void): void {
    const entries = [...new Set(newcomers)].filter((entry) => this.#registry.byKey(entry.key) === entry)
    if (entries.length === 0) return done()
    this.#broadcasts.start(this.#tellAll(entries, 'newcomers'), done)
  }

  #tell(member: Member, announcements: Announcements, kind: DiscoveryKind): void {
    // One that reads slowly is left out, not buffered for: it hears of the same peers again.
    if (member.session.buffered > SLOW_FROM) return
    const told = announcements.for(member)
    if (told === undefined) return
    member.session.sendEncoded(told.messages)
    this.#counters.announcements += told.count
    this.#budget.spend(kind, announcements.size)
  }
}

function rethrow(error: unknown): never {
  throw error
}
