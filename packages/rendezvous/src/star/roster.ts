/** A list in order of arrival that forgets in constant time, lists its newest, and hands out rotating windows. */
export class Roster<Item extends object> {
  /** Removed items leave holes, so that the others keep their places. */
  #slots: (Item | undefined)[] = []
  readonly #indexes = new Map<Item, number>()
  #cursor = 0

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

  /** The next `size` items after those of the last call, all of them if there are no more, oldest first. */
  window(size: number): Item[] {
    const window: Item[] = []
    const wanted = Math.min(size, this.size)
    while (window.length < wanted) {
      if (this.#cursor >= this.#slots.length) this.#cursor = 0
      const item = this.#slots[this.#cursor++]
      if (item !== undefined) window.push(item)
    }
    return window
  }

  #compact(): void {
    const before = this.#cursor
    const kept: Item[] = []
    for (const [index, item] of this.#slots.entries()) {
      if (index === before) this.#cursor = kept.length
      if (item === undefined) continue
      this.#indexes.set(item, kept.length)
      kept.push(item)
    }
    if (before >= this.#slots.length) this.#cursor = kept.length
    this.#slots = kept
  }
}
