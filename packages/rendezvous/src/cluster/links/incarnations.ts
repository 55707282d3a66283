/** Nodes whose ended links are remembered. */
const NODES_MAX = 1_024

/**
 * Numbers of links. Each side gives a new link a number larger than all before. So a late envelope of an ended link is not
 * mistaken for an envelope of the next link.
 */
export class Incarnations {
  #last = 0
  /** By node: its number of the last link to it that ended here. */
  readonly #ended = new Map<string, number>()

  /** Returns a number for a new link. It is larger than the numbers of an earlier process, unless the clock was set back. */
  next(): number {
    this.#last = Math.max(this.#last + 1, Date.now())
    return this.#last
  }

  /** Records that a link has ended here, by the other node's number for it. */
  end(node: string, incarnation: number): void {
    if (this.hasEnded(node, incarnation)) return
    this.#ended.delete(node)
    this.#ended.set(node, incarnation)
    const [oldest = node] = this.#ended.keys()
    if (this.#ended.size > NODES_MAX) this.#ended.delete(oldest)
  }

  /** Returns whether this link of the other node, or a later one, has already ended here. */
  hasEnded(node: string, incarnation: number): boolean {
    return incarnation <= (this.#ended.get(node) ?? 0)
  }
}
