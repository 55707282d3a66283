/** Milliseconds for which a key is remembered at least; at most twice as long. */
const MEMORY = 10_000
/** Keys remembered at most, in each half of that time. */
const KEYS = 10_000

/** Which keys were seen lately. */
export class RecentKeys {
  readonly #now: () => number
  #before: ReadonlySet<string> = new Set()
  #keys = new Set<string>()
  #since: number

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** @returns whether it was seen before */
  add(key: string): boolean {
    if (this.#now() - this.#since >= MEMORY || this.#keys.size >= KEYS) {
      this.#before = this.#keys
      this.#keys = new Set()
      this.#since = this.#now()
    }
    const isKnown = this.#keys.has(key) || this.#before.has(key)
    this.#keys.add(key)
    return isKnown
  }
}
