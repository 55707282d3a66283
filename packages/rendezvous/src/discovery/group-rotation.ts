/** Queues items in groups. Groups of all sizes are served in rotation, one item each time. */
export class GroupRotation<Item> {
  readonly #groups = new Map<object, Set<Item>>()
  readonly #groupOf: (item: Item) => object

  /** @param groupOf - must return the same group each time for an item */
  constructor(groupOf: (item: Item) => object) {
    this.#groupOf = groupOf
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0
  }

  /** Appends an item to its group, unless the item is queued already. */
  add(item: Item): void {
    const group = this.#groupOf(item)
    const items = this.#groups.get(group)
    if (items === undefined) this.#groups.set(group, new Set([item]))
    else items.add(item)
  }

  delete(item: Item): void {
    const group = this.#groupOf(item)
    const items = this.#groups.get(group)
    if (items?.delete(item) && items.size === 0) this.#groups.delete(group)
  }

  /** Serves the first ready item of each group; `serve` may delete it. A group that was served moves to the end. */
  round(isReady: (item: Item) => boolean, serve: (item: Item) => void): void {
    let left = this.#groups.size
    for (const [group, items] of this.#groups) {
      if (left-- === 0) return
      for (const item of items) {
        if (!isReady(item)) continue
        serve(item)
        if (this.#groups.delete(group) && items.size > 0) this.#groups.set(group, items)
        break
      }
    }
  }
}
