import type { Counters } from '../stats.js'
import { addressUnder, Announcements, announcementSize } from './announcements.js'
import { Broadcasts } from './broadcasts.js'
import { Deltas } from './deltas.js'
import { Groups } from '../registry/groups.js'
import { SLOW_FROM, type Member } from '../registry/member.js'
import { Newcomers } from './newcomers.js'
import type { Entry, Registry } from '../registry/registry.js'
import { RecentKeys } from './recent-keys.js'
import { TokenBucket } from '../pacing/token-bucket.js'

export interface DiscoveryOptions {
  /** Milliseconds between two announcements of the same peer. */
  interval: number
  /** Peers announced to a client per interval, and newcomers announced at once per second. */
  window: number
  /** Bytes of announcements to all clients together per second, on average. */
  maxBytesPerSecond: number
  /** Peers named in the answer to a join. */
  joinList: number
  /** Address prefixes that may be live at once. */
  prefixes: number
  /** Milliseconds in which changes are gathered for clients that hear of these only. */
  deltaInterval: number
}

/** The part of the budget that newcomers may use up; what they leave of it is for windows too, but for this many milliseconds. */
const NEWCOMERS_SHARE = 0.5
const RESERVE = 1_000

/**
 * Tells each client of the others, under the prefix it joined with itself, and never of its own peer. Here are the
 * announcements of the protocol, whose bytes clients of one prefix share; those who want to hear of changes only are told
 * by {@link Deltas}.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #registry: Registry
  readonly #counters: Counters
  readonly #deltas: Deltas
  readonly #newcomers: Newcomers
  readonly #now: () => number
  /** All who hold an address, whatever they want to hear. */
  readonly #members = new Groups<Member>()
  /** Those of them who hear announcements. */
  readonly #listeners = new Groups<Member>()
  /** Bytes that may be announced. */
  readonly #windowBudget: TokenBucket
  readonly #newcomerBudget: TokenBucket
  readonly #newcomerBurst: number
  readonly #broadcasts: Broadcasts
  #broadcastsSent = 0
  readonly #recent: RecentKeys
  /** Not all have been told of the last window. */
  #inRound = false

  constructor(
    options: DiscoveryOptions,
    registry: Registry,
    counters: Counters,
    now: () => number = () => performance.now(),
    onFault: (error: unknown) => void = rethrow
  ) {
    const { interval, window, maxBytesPerSecond, deltaInterval } = options
    this.#options = options
    this.#registry = registry
    this.#counters = counters
    this.#deltas = new Deltas(deltaInterval, registry, counters)
    this.#newcomers = new Newcomers(window, (entries, done) => this.#announce(entries, done), now)
    this.#now = now
    this.#broadcasts = new Broadcasts(onFault, now)
    this.#recent = new RecentKeys(now)
    const rate = maxBytesPerSecond * NEWCOMERS_SHARE
    const seconds = Math.max(interval, RESERVE) / 1000
    this.#newcomerBurst = rate * seconds
    this.#newcomerBudget = new TokenBucket(rate, this.#newcomerBurst, now())
    this.#windowBudget = new TokenBucket(maxBytesPerSecond - rate, (maxBytesPerSecond - rate) * seconds, now())
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

  /**
   * Tells everyone of a newcomer: at once, or with others that come at about the same time. Past the limit per second, or
   * past the budget, it waits for its turn in the windows.
   *
   * @param introduced - called when they have been told, or will not be
   */
  introduce(entry: Entry, introduced: () => void): void {
    const cost = this.#costOfOne() * (this.#newcomers.size + 1)
    if (cost === 0 || !this.#newcomers.hasRoom() || !this.#mayAnnounce(entry, cost)) return introduced()
    this.#newcomers.add(entry, introduced, this.#listeners.count)
  }

  /** Tells a newcomer of the others, if the answer to its join has not. */
  welcome(member: Member): void {
    this.#deltas.welcome(member)
  }

  /** Tells everyone of the next window of peers. */
  tick(): void {
    if (this.#inRound) return
    const entries = this.#registry.window(this.#windowSize())
    if (entries.length === 0) return
    this.#inRound = true
    this.#broadcasts.start(this.#tellAll(entries, this.#windowBudget), () => {
      this.#inRound = false
    })
  }

  /** Looks at those who have to be told more, as soon as they have read what they were told. */
  sweep(): void {
    this.#deltas.sweep()
  }

  stop(): void {
    this.#newcomers.stop()
    this.#broadcasts.stop()
    this.#inRound = false
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

  /** @param cost - bytes it takes to tell everyone of it, and of those who wait to be announced */
  #mayAnnounce({ key }: Entry, cost: number): boolean {
    const left = this.#newcomerBudget.left(this.#now())
    // Who comes and goes all the time uses up what others need, and everyone has heard of it.
    const isRepeated = this.#recent.add(key)
    return cost < left && !(isRepeated && left < this.#newcomerBurst / 2)
  }

  /** About how many bytes it takes to tell everyone of one peer. */
  #costOfOne(): number {
    let bytes = 0
    for (const [prefix, group] of this.#listeners) bytes += group.size * announcementSize(prefix)
    return bytes
  }

  /** How many peers the budget lets everyone be told of now. */
  #windowSize(): number {
    const { window, maxBytesPerSecond, interval } = this.#options
    const cost = this.#costOfOne()
    if (cost === 0) return 0
    const now = this.#now()
    const reserve = (maxBytesPerSecond * NEWCOMERS_SHARE * Math.min(RESERVE, interval / 10)) / 1000
    const surplus = Math.max(0, this.#newcomerBudget.left(now) - reserve)
    const affordable = Math.floor((this.#windowBudget.left(now) + surplus) / cost)
    // More clients than the whole budget has bytes for are told of one peer now and then.
    return Math.min(window, affordable > 0 ? affordable : this.#windowBudget.isFull(now) ? 1 : 0)
  }

  /**
   * Tells everyone of peers, a client with each step.
   *
   * @param budget - what pays for it; windows take the rest from what newcomers have not used
   */
  *#tellAll(entries: readonly Entry[], budget: TokenBucket): Generator<void> {
    const broadcast = ++this.#broadcastsSent
    for (const [prefix, group] of this.#listeners) {
      const announcements = new Announcements(entries, prefix)
      for (const member of group) {
        // Who joined or left an address meanwhile has moved to the end.
        if (member.told === broadcast) continue
        member.told = broadcast
        this.#tell(member, announcements, budget)
        yield
      }
    }
  }

  /** Tells everyone of newcomers that are there still. */
  #announce(newcomers: readonly Entry[], done: () => void): void {
    const entries = [...new Set(newcomers)].filter((entry) => this.#registry.byKey(entry.key) === entry)
    if (entries.length === 0) return done()
    this.#broadcasts.start(this.#tellAll(entries, this.#newcomerBudget), done)
  }

  #tell(member: Member, announcements: Announcements, budget: TokenBucket): void {
    // One that reads slowly is left out, not buffered for: it hears of the same peers again.
    if (member.session.buffered > SLOW_FROM) return
    const told = announcements.for(member)
    if (told === undefined) return
    member.session.sendEncoded(told.messages)
    this.#counters.announcements += told.count
    this.#spend(announcements.size, budget)
  }

  #spend(bytes: number, budget: TokenBucket): void {
    const now = this.#now()
    const isShort = budget === this.#windowBudget && budget.left(now) < bytes
    ;(isShort && this.#newcomerBudget.left(now) > 0 ? this.#newcomerBudget : budget).spend(now, bytes)
  }
}

function rethrow(error: unknown): never {
  throw error
}
