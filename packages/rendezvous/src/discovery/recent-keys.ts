/** Milliseconds that a key is remembered: at least one period, at most two. */
const PERIOD = 10_000
const KEYS_MAX = 10_000

/** Remembers the keys seen recently. */
export class RecentKeys {
  readonly #now: () => number
  #before: ReadonlySet<string> = new Set()
  #keys = new Set<string>()
  #since: number

  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** @returns whether the key was seen recently */
  add(key: string): boolean {
    if (this.#now() - this.#since >= PERIOD || this.#keys.size >= KEYS_MAX) {
      this.#before = this.#keys
      this.#keys = new Set()
      this.#since = this.#now()
    }
    const isKnown = this.#keys.has(key) || this.#before.has(key)
    this.#keys.add(key)
    return isKnown
  }
}
