/** Items that wait, in groups that have their turns one after the other, however many each has. */
export class Turns<Item> {
  readonly #groups = new Map<object, Set<Item>>()
  readonly #groupOf: (item: Item) => object

  /** @param groupOf - the same each time for an item */
  constructor(groupOf: (item: Item) => object) {
    this.#groupOf = groupOf
  }

  get isEmpty(): boolean {
    return this.#groups.size === 0
  }

  /** Puts an item at the end of its group, unless it waits already. */
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

  /**
   * Gives each group one turn, for its first item that is ready. A group that had one is the last of all then.
   *
   * @param take - may delete the item
   */
  round(isReady: (item: Item) => boolean, take: (item: Item) => void): void {
    let left = this.#groups.size
    for (const [group, items] of this.#groups) {
      if (left-- === 0) return
      for (const item of items) {
        if (!isReady(item)) continue
        take(item)
        if (this.#groups.delete(group) && items.size > 0) this.#groups.set(group, items)
        break
      }
    }
  }
}
