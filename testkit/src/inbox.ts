import { within } from './deadline.js'

/** What has arrived so far, in order, and a way to wait for more of it. */
export class Inbox<T> {
  readonly items: T[] = []
  #taken = 0
  readonly #waiting = new Set<{ enough: (items: readonly T[]) => boolean; resolve: () => void }>()

  push(item: T): void {
    this.items.push(item)
    for (const waiter of this.#waiting) {
      if (!waiter.enough(this.items)) continue
      this.#waiting.delete(waiter)
      waiter.resolve()
    }
  }

  /** Resolves once `enough` says so of everything that has arrived. */
  async until(what: string, enough: (items: readonly T[]) => boolean): Promise<void> {
    if (enough(this.items)) return
    const arrived = new Promise<void>((resolve) => {
      this.#waiting.add({ enough, resolve })
    })
    try {
      await within(what, arrived)
    } catch (cause) {
      throw new Error(`${String(cause)}; what came: ${this.items.join(', ') || 'nothing'}`, { cause })
    }
  }

  /** The oldest item that no `next` has taken yet. */
  async next(what: string): Promise<T> {
    const index = this.#taken++
    await this.until(what, (items) => items.length > index)
    // `until` has just seen it
    return this.items[index] as T
  }

  count(item: T): number {
    return this.items.filter((other) => other === item).length
  }
}
