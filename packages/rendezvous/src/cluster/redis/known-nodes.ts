/** Without word for such a part of the patience, Redis stood still or could not be reached: nobody could come back. */
const PAUSE_PART = 1 / 2

/**
 * The nodes of a star, as told with leases. One that is missing may have to take a new lease, because Redis has lost all:
 * it counts as gone only after it could have done so, or if it was said that it is.
 */
export class KnownNodes {
  readonly #patience: number
  readonly #now: () => number
  /** Since when each is missing. */
  readonly #missing = new Map<string, number | undefined>()
  #toldAt: number

  /** @param patience - milliseconds that one may be missing */
  constructor(patience: number, now: () => number) {
    this.#patience = patience
    this.#now = now
    this.#toldAt = now()
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
    const silence = now - this.#toldAt
    const pause = silence > this.#patience * PAUSE_PART ? silence : 0
    this.#toldAt = now
    const present = new Set(nodes)
    for (const node of present) this.#missing.set(node, undefined)
    for (const [node, missing] of this.#missing) {
      if (present.has(node)) continue
      const since = missing === undefined ? now : missing + pause
      if (now - since > this.#patience) this.#missing.delete(node)
      else this.#missing.set(node, since)
    }
  }

  /** It was said that this one has none any more. */
  gone(node: string): void {
    this.#missing.delete(node)
  }
}
