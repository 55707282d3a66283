/** Silence longer than this part of the grace period is blamed on Redis, not on the nodes. */
const PAUSE_PART = 1 / 2

export interface NodesObserver {
  joined(node: string): void
  left(node: string): void
}

/**
 * The nodes of a star. A node may lack a lease only because Redis lost data. So a node without a lease is removed after a
 * grace period, or when the feed reports that the node is gone.
 */
export class KnownNodes {
  readonly #gracePeriod: number
  readonly #observer: NodesObserver
  readonly #now: () => number
  /** By node: time since which the node has no lease; undefined while the node has a lease. */
  readonly #missing = new Map<string, number | undefined>()
  #updatedAt: number

  /** @param gracePeriod - milliseconds that a node may be without a lease */
  constructor(gracePeriod: number, observer: NodesObserver, now: () => number) {
    this.#gracePeriod = gracePeriod
    this.#observer = observer
    this.#now = now
    this.#updatedAt = now()
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

  update(nodes: readonly string[]): void {
    const now = this.#now()
    const silence = now - this.#updatedAt
    const pause = silence > this.#gracePeriod * PAUSE_PART ? silence : 0
    this.#updatedAt = now
    const present = new Set(nodes)
    for (const node of present) {
      const isKnown = this.#missing.has(node)
      this.#missing.set(node, undefined)
      if (!isKnown) this.#observer.joined(node)
    }
    for (const [node, missing] of this.#missing) {
      if (present.has(node)) continue
      const since = missing === undefined ? now : missing + pause
      if (now - since > this.#gracePeriod) this.remove(node)
      else this.#missing.set(node, since)
    }
  }

  remove(node: string): void {
    if (this.#missing.delete(node)) this.#observer.left(node)
  }
}
