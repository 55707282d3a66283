/**
 * The nodes of a star, as told with leases. One that is missing may have to take a new lease, because Redis has lost all:
 * it counts as gone only after it could have done so, or if it was said that it is.
 */
export class KnownNodes {
  readonly #patience: number
  readonly #now: () => number
  /** Since when each is missing. */
  readonly #missing = new Map<string, number | undefined>()

  /** @param patience - milliseconds that one may be missing */
  constructor(patience: number, now: () => number) {
    this.#patience = patience
    this.#now = now
  }

  get ids(): readonly string[] {
    return [...this.#missing.keys()]
  }

  get size(): number {
    return this.#missing.size
  }

  has(node: string): boolean {
    return this.#missing.has(node)
  }

  /** These have a lease. */
  told(nodes: readonly string[]): void {
    const now = this.#now()
    const present = new Set(nodes)
    for (const node of present) this.#missing.set(node, undefined)
    for (const [node, since = now] of this.#missing) {
      if (present.has(node)) continue
      if (now - since > this.#patience) this.#missing.delete(node)
      else this.#missing.set(node, since)
    }
  }

  /** It was said that this one has none any more. */
  gone(node: string): void {
    this.#missing.delete(node)
  }
}
