/** Without word for such a part of the patience, Redis stood still or could not be reached: nobody could come back. */
const PAUSE_PART = 1 / 2

/** Hears of each node once when it is first told of, and once when it counts as gone. */
export interface NodesListener {
  came(node: string): void
  went(node: string): void
}

/**
 * The nodes of a star, as told with leases. One that is missing may have to take a new lease, because Redis has lost all:
 * it counts as gone only after it could have done so, or if it was said that it is.
 */
export class KnownNodes {
  readonly #patience: number
  readonly #listener: NodesListener
  readonly #now: () => number
  /** Since when each is missing. */
  readonly #missing = new Map<string, number | undefined>()
  #toldAt: number

  /** @param patience - milliseconds that one may be missing */
  constructor(patience: number, listener: NodesListener, now: () => number) {
    this.#patience = patience
    this.#listener = listener
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
    for (const node of present) {
      const isKnown = this.#missing.has(node)
      this.#missing.set(node, undefined)
      if (!isKnown) this.#listener.came(node)
    }
    for (const [node, missing] of this.#missing) {
      if (present.has(node)) continue
      const since = missing === undefined ? now : missing + pause
      if (now - since > this.#patience) this.gone(node)
      else this.#missing.set(node, since)
    }
  }

  /** It was said that this one has none any more. */
  gone(node: string): void {
    if (this.#missing.delete(node)) this.#listener.went(node)
  }
}
