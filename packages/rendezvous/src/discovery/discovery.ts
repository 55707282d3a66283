import { TokenBucket } from '../pacing/token-bucket.js'
import type { Entry } from '../registry/entry.js'
import { Groups } from '../registry/groups.js'
import type { Member } from '../registry/member.js'
import type { Registry } from '../registry/registry.js'
import type { Counters } from '../stats.js'
import { Announcements, announcementSize } from './announcements.js'
import { Broadcasts } from './broadcasts.js'
import { Newcomers } from './newcomers.js'
import { SLOW_FROM } from './pace.js'
import { RecentKeys } from './recent-keys.js'

export interface DiscoveryOptions {
  /** Milliseconds between two announcements of the same peer. */
  interval: number
  /** Peers announced to a client per interval, and newcomers announced at once per second. */
  window: number
  /** Bytes of announcements to all clients together per second, on average. */
  maxBytesPerSecond: number
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
  readonly #newcomers: Newcomers
  readonly #now: () => number
  /** The clients that hear announcements. */
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
    const { interval, window, maxBytesPerSecond } = options
    this.#options = options
    this.#registry = registry
    this.#counters = counters
    this.#newcomers = new Newcomers(window, (entries, done) => this.#announce(entries, done), now)
    this.#now = now
    this.#broadcasts = new Broadcasts(onFault, now)
    this.#recent = new RecentKeys(now)
    registry.watch({
      introduce: (entry) => this.introduce(entry),
      moved: (member, before) => this.#moved(member, before)
    })
    const rate = maxBytesPerSecond * NEWCOMERS_SHARE
    const seconds = Math.max(interval, RESERVE) / 1000
    this.#newcomerBurst = rate * seconds
    this.#newcomerBudget = new TokenBucket(rate, this.#newcomerBurst, now())
    this.#windowBudget = new TokenBucket(maxBytesPerSecond - rate, (maxBytesPerSecond - rate) * seconds, now())
  }

  /**
   * Tells everyone of a newcomer: at once, or with others that come at about the same time. Past the limit per second, or
   * past the budget, it waits for its turn in the windows.
   *
   * @returns resolves once they have been told; undefined if there is nothing to wait for
   */
  introduce(entry: Entry): Promise<void> | undefined {
    const cost = this.#costOfOne() * (this.#newcomers.size + 1)
    if (cost === 0 || !this.#newcomers.hasRoom() || !this.#mayAnnounce(entry, cost)) return undefined
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
    this.#broadcasts.start(this.#tellAll(entries, this.#windowBudget), () => {
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
