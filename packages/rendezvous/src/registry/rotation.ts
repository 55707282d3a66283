/** A list in order of arrival that forgets in constant time, lists its newest, and hands out rotating windows. */
export class Rotation<Item extends object> {
  /** Removed items leave holes, so that the others keep their places. */
  #slots: (Item | undefined)[] = []
  readonly #indexes = new Map<Item, number>()
  #cursor = 0
  /** Where the round under way ends: what is added meanwhile has its turn in the next, however much that is. */
  #end = 0

  get size(): number {
    return this.#indexes.size
  }

  /** Adds an item as the newest; one that is there already becomes the newest. */
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

  /** The newest first. */
  *newest(): Iterable<Item> {
    for (let index = this.#slots.length - 1; index >= 0; index--) {
      const item = this.#slots[index]
      if (item !== undefined) yield item
    }
  }

  /** The next `size` items of the round, and of the next one when it is over; all of them if there are no more. */
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
