import type { PeerEntry } from '../registry/peer-entry.js'
import { Groups } from '../registry/groups.js'
import type { SessionEntry } from '../registry/session-entry.js'
import type { Registry } from '../registry/registry.js'
import type { Counters, DiscoveryKind } from '../stats.js'
import { AnnouncementBatch, announcementSize } from './announcement-batch.js'
import { BroadcastQueue } from './broadcast-queue.js'
import type { DiscoveryBudget } from './budget.js'
import { NewcomerQueue } from './newcomer-queue.js'
import { originOf } from './origin.js'
import { SLOW_BACKLOG } from './batch-pause.js'
import { RecentKeys } from './recent-keys.js'

export interface DiscoveryOptions {
  /** Maximum of peers per window, and of newcomers announced immediately per second. */
  window: number
}

/**
 * Announces peers to clients: newcomers when they join, and all peers in rotating windows. Each client is told about other
 * peers only, under the prefix of its own address. {@link DeltaDiscovery} serves the clients that asked for deltas.
 */
export class Discovery {
  readonly #options: DiscoveryOptions
  readonly #registry: Registry
  readonly #budget: DiscoveryBudget
  readonly #counters: Counters
  readonly #newcomers: NewcomerQueue
  readonly #subscribers = new Groups<SessionEntry>()
  readonly #broadcasts: BroadcastQueue
  #broadcastCount = 0
  readonly #recent: RecentKeys
  #isWindowUnderWay = false

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
    this.#newcomers = new NewcomerQueue(options.window, (entries, done) => this.#announce(entries, done), now)
    this.#broadcasts = new BroadcastQueue(onFault, now)
    this.#recent = new RecentKeys(now)
    registry.observe({
      newcomer: (entry) => this.announceNewcomer(entry),
      addressesChanged: (member, before) => this.#addressesChanged(member, before)
    })
  }

  /**
   * Announces a newcomer to all subscribers, possibly together with others. If the limit per second, the budget, or the share of
   * its IP address is used up, nothing is sent: a later window announces the peer.
   *
   * @returns a promise that resolves once all subscribers have been told; undefined if they have been already, or will not be now
   */
  announceNewcomer(entry: PeerEntry): Promise<void> | undefined {
    const cost = announcementSize(this.#subscribers)
    if (cost === 0 || !this.#newcomers.hasRoom() || !this.#mayAnnounce(entry, cost)) return undefined
    this.#budget.spendForOrigin(originOf(entry), cost)
    let isTold = false
    const told = new Promise<void>((resolve) => {
      const announced = () => {
        isTold = true
        resolve()
      }
      this.#newcomers.add(entry, announced, this.#subscribers.count)
    })
    return isTold ? undefined : told
  }

  /** Announces the next window of peers to all subscribers. */
  tick(): void {
    if (this.#isWindowUnderWay) return
    const entries = this.#registry.window(this.#windowSize())
    if (entries.length === 0) return
    this.#isWindowUnderWay = true
    this.#broadcasts.start(this.#tellAll(entries, 'windows'), () => {
      this.#isWindowUnderWay = false
    })
  }

  stop(): void {
    this.#newcomers.stop()
    this.#broadcasts.stop()
    this.#isWindowUnderWay = false
  }

  #addressesChanged(member: SessionEntry, before: string | undefined): void {
    this.#subscribers.delete(before, member)
    if (member.addresses.size > 0 && member.session.peers === 'windows') this.#subscribers.add(member.prefix, member)
  }

  #mayAnnounce(entry: PeerEntry, cost: number): boolean {
    // Everybody knows a peer that reconnects all the time. It must not use up the budget of newcomers.
    const isRepeated = this.#recent.add(entry.key)
    if (isRepeated && !this.#budget.isHalfFull('newcomers')) return false
    const waiting = cost * this.#newcomers.size
    return waiting + cost < this.#budget.left('newcomers') && this.#budget.canAnnounceFrom(originOf(entry))
  }

  #windowSize(): number {
    const cost = announcementSize(this.#subscribers)
    if (cost === 0) return 0
    const affordable = Math.floor(this.#budget.left('windows') / cost)
    // If one announcement costs more than the budget ever holds, one peer is announced whenever the budget is full.
    return Math.min(this.#options.window, affordable > 0 ? affordable : this.#budget.isShareFull('windows') ? 1 : 0)
  }

  /** Sends announcements to all subscribers, to one per step. */
  *#tellAll(entries: readonly PeerEntry[], kind: DiscoveryKind): Generator<void> {
    const broadcast = ++this.#broadcastCount
    for (const [prefix, group] of this.#subscribers) {
      const announcements = new AnnouncementBatch(entries, prefix)
      for (const member of group) {
        // A client whose addresses changed during the broadcast has moved to the end of its group, and comes up again.
        if (member.lastBroadcast === broadcast) continue
        member.lastBroadcast = broadcast
        this.#tell(member, announcements, kind)
        yield
      }
    }
  }

  #announce(newcomers: readonly PeerEntry[], done: () => void): void {
    const entries = [...new Set(newcomers)].filter((entry) => this.#registry.byKey(entry.key) === entry)
    if (entries.length === 0) return done()
    this.#broadcasts.start(this.#tellAll(entries, 'newcomers'), done)
  }

  #tell(member: SessionEntry, announcements: AnnouncementBatch, kind: DiscoveryKind): void {
    // A slow reader is skipped: later windows announce the same peers again.
    if (member.session.buffered > SLOW_BACKLOG) return
    const told = announcements.exceptOwn(member)
    if (told === undefined) return
    member.session.sendEncoded(told.messages)
    this.#counters.announcements += told.count
    this.#budget.spend(kind, announcements.size)
  }
}

function rethrow(error: unknown): never {
  throw error
}
