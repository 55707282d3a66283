/** Items grouped by address prefix; undefined groups the addresses without one. */
export class Groups<Item> {
  readonly #groups = new Map<string | undefined, Set<Item>>()

  /** Number of prefixes in use. */
  get size(): number {
    return this.#groups.size
  }

  get count(): number {
    let sum = 0
    for (const group of this.#groups.values()) sum += group.size
    return sum
  }

  has(prefix: string | undefined): boolean {
    return this.#groups.has(prefix)
  }

  add(prefix: string | undefined, item: Item): void {
    const group = this.#groups.get(prefix)
    if (group === undefined) this.#groups.set(prefix, new Set([item]))
    else group.add(item)
  }

  delete(prefix: string | undefined, item: Item): void {
    const group = this.#groups.get(prefix)
    if (group?.delete(item) && group.size === 0) this.#groups.delete(prefix)
  }

  [Symbol.iterator](): Iterator<[string | undefined, ReadonlySet<Item>]> {
    return this.#groups.entries()
  }
}
