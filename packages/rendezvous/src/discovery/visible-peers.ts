import type { PeerEntry } from '../registry/peer-entry.js'
import type { Registry } from '../registry/registry.js'
import type { DiscoveryBudget } from './budget.js'
import { ChangeLog } from './change-log.js'
import { originOf } from './origin.js'

/** One when the peer comes, one when it leaves. */
const MESSAGES_PER_PEER = 2

/**
 * The online peers that clients may be told about. Newcomers from an IP address that used up its share of the budget are withheld
 * until the address has budget again. A newcomer that leaves before then is never announced.
 */
export class VisiblePeers {
  /** Changes that some subscribers have not been told yet. */
  readonly log = new ChangeLog()
  readonly #registry: Registry
  readonly #budget: DiscoveryBudget
  readonly #withheld = new Map<string, PeerEntry>()

  constructor(registry: Registry, budget: DiscoveryBudget) {
    this.#registry = registry
    this.#budget = budget
  }

  get hasWithheld(): boolean {
    return this.#withheld.size > 0
  }

  /** @param cost - bytes it takes to tell all subscribers about one peer */
  changed(entry: PeerEntry, isOnline: boolean, cost: number): void {
    if (!isOnline) {
      if (!this.#withheld.delete(entry.key)) this.log.add(entry, false)
    } else if (!this.#admit(entry, cost)) this.#withheld.set(entry.key, entry)
  }

  /** Releases and returns the withheld peers whose addresses have budget again. */
  *release(cost: number): Iterable<PeerEntry> {
    for (const entry of this.#withheld.values()) {
      if (!this.#admit(entry, cost)) continue
      this.#withheld.delete(entry.key)
      yield entry
    }
  }

  find(key: string): PeerEntry | undefined {
    return this.#withheld.has(key) ? undefined : this.#registry.byKey(key)
  }

  get size(): number {
    return this.#registry.size - this.#withheld.size
  }

  /** Returns the visible peers, oldest first. */
  peers(): PeerEntry[] {
    const peers = [...this.#registry.peers()]
    return this.hasWithheld ? peers.filter(({ key }) => !this.#withheld.has(key)) : peers
  }

  /** Forgets pending changes, and withholds no peers any more. Called when the last subscriber has left. */
  clear(): void {
    this.log.forget(this.log.end)
    this.#withheld.clear()
  }

  #admit(entry: PeerEntry, cost: number): boolean {
    const origin = originOf(entry)
    if (!this.#budget.canAnnounceFrom(origin)) return false
    this.#budget.spendForOrigin(origin, cost * MESSAGES_PER_PEER)
    this.log.add(entry, true)
    return true
  }
}
