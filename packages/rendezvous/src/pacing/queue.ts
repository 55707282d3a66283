/** Minimum consumed prefix before the array is compacted. */
const COMPACT_FROM = 64

/** First-in, first-out queue in constant time. */
export class Queue<Item> {
  #items: (Item | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  shift(): Item | undefined {
    if (this.size === 0) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head >= COMPACT_FROM && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }

  clear(): void {
    this.#items = []
    this.#head = 0
  }

  *[Symbol.iterator](): Iterator<Item> {
    for (let index = this.#head; index < this.#items.length; index++) yield this.#items[index] as Item // not shifted yet
  }
}
