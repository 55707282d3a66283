/** A list in the order of arrival, with removal in constant time and windows that rotate through all items. */
export class Rotation<Item extends object> {
  /** Removed items leave holes, so that the others keep their indexes. */
  #slots: (Item | undefined)[] = []
  readonly #indexes = new Map<Item, number>()
  #cursor = 0
  /** Index at which the current round ends. Items added during a round belong to the next one. */
  #end = 0

  get size(): number {
    return this.#indexes.size
  }

  /** Adds an item at the end, or moves it there. */
  add(item: Item): void {
    this.delete(item)
    this.#indexes.set(item, this.#slots.length)
    this.#slots.push(item)
  }

  delete(item: Item): void {
    const index = this.#indexes.get(item)
    if (index === undefined) return
    this.#indexes.delete(item)
    this.#slots[index] = undefined
    if (this.#slots.length > 64 && this.#slots.length > this.#indexes.size * 2) this.#compact()
  }

  *latest(): Iterable<Item> {
    for (let index = this.#slots.length - 1; index >= 0; index--) {
      const item = this.#slots[index]
      if (item !== undefined) yield item
    }
  }

  /** Returns the next `size` items, or all if there are fewer. After the end of a round, the next round begins. */
  window(size: number): Item[] {
    const window = new Set<Item>()
    const wanted = Math.min(size, this.size)
    while (window.size < wanted) {
      if (this.#cursor >= this.#end) {
        this.#cursor = 0
        this.#end = this.#slots.length
      }
      const item = this.#slots[this.#cursor++]
      if (item !== undefined) window.add(item)
    }
    return [...window]
  }

  #compact(): void {
    const [cursor, end] = [this.#cursor, this.#end]
    const kept: Item[] = []
    for (const [index, item] of this.#slots.entries()) {
      if (index === cursor) this.#cursor = kept.length
      if (index === end) this.#end = kept.length
      if (item === undefined) continue
      this.#indexes.set(item, kept.length)
      kept.push(item)
    }
    if (cursor >= this.#slots.length) this.#cursor = kept.length
    if (end >= this.#slots.length) this.#end = kept.length
    this.#slots = kept
  }
}
