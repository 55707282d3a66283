/** Nodes whose ended links are remembered. */
const REMEMBERED = 1_024

/**
 * Numbers of links. Each side picks one for a link when it makes it, larger than all before, so that what comes late from a
 * link that has ended is not taken for the next one.
 */
export class Incarnations {
  #last = 0
  /** The number that each node had given to the last of its links that ended here. */
  readonly #ended = new Map<string, number>()

  /** A number for a link that this node makes. Larger than those of a former process, too, if the clock is right. */
  next(): number {
    this.#last = Math.max(this.#last + 1, Date.now())
    return this.#last
  }

  /** A link has ended here, for which the other node had this number. */
  end(node: string, incarnation: number): void {
    if (this.hasEnded(node, incarnation)) return
    this.#ended.delete(node)
    this.#ended.set(node, incarnation)
    const [oldest = node] = this.#ended.keys()
    if (this.#ended.size > REMEMBERED) this.#ended.delete(oldest)
  }

  /** The other node has not heard yet that this link has ended here, or one that it made later. */
  hasEnded(node: string, incarnation: number): boolean {
    return incarnation <= (this.#ended.get(node) ?? 0)
  }
}
