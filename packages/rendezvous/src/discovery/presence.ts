import type { Entry } from '../registry/entry.js'
import type { Registry } from '../registry/registry.js'
import type { DiscoveryBudget } from './budget.js'
import { ChangeLog } from './changes.js'
import { originOf } from './origin.js'

/** Those who hear of a newcomer hear of its end as well. */
const TOLD_TWICE = 2

/**
 * Who is online as far as clients are told. That is everyone, but for newcomers from an IP address that has caused more than
 * its share: they are held back until it has some left, and not told of at all if they have gone by then.
 */
export class Presence {
  /** Who came and left, as far as not all have been told of it. */
  readonly log = new ChangeLog()
  readonly #registry: Registry
  readonly #budget: DiscoveryBudget
  readonly #held = new Map<string, Entry>()

  constructor(registry: Registry, budget: DiscoveryBudget) {
    this.#registry = registry
    this.#budget = budget
  }

  /** Whether some are held back. */
  get isHolding(): boolean {
    return this.#held.size > 0
  }

  /** @param cost - bytes it takes to tell everyone of one peer */
  changed(entry: Entry, isOnline: boolean, cost: number): void {
    if (!isOnline) {
      if (!this.#held.delete(entry.key)) this.log.add(entry, false)
    } else if (!this.#admit(entry, cost)) this.#held.set(entry.key, entry)
  }

  /** Lets others be told of those who were held back, as far as their addresses have some of their share left. */
  *release(cost: number): Iterable<Entry> {
    for (const entry of this.#held.values()) {
      if (!this.#admit(entry, cost)) continue
      this.#held.delete(entry.key)
      yield entry
    }
  }

  find(key: string): Entry | undefined {
    return this.#held.has(key) ? undefined : this.#registry.byKey(key)
  }

  get size(): number {
    return this.#registry.size - this.#held.size
  }

  /** Returns all who are online, in the order they came. */
  peers(): Entry[] {
    const peers = [...this.#registry.peers()]
    return this.isHolding ? peers.filter(({ key }) => !this.#held.has(key)) : peers
  }

  /** Nobody is there to be told anything. */
  clear(): void {
    this.log.forget(this.log.end)
    this.#held.clear()
  }

  #admit(entry: Entry, cost: number): boolean {
    const origin = originOf(entry)
    if (!this.#budget.mayCause(origin)) return false
    this.#budget.cause(origin, cost * TOLD_TWICE)
    this.log.add(entry, true)
    return true
  }
}
