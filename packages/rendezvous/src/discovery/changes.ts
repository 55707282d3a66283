import type { Entry } from '../registry/entry.js'

/** How those who are there now differ from those who were there once; by key. */
export interface Changes {
  readonly joined: ReadonlyMap<string, Entry>
  readonly left: ReadonlyMap<string, Entry>
}

/** Who came and who left, in order. */
export class ChangeLog {
  #events: { entry: Entry; isThere: boolean }[] = []

  get length(): number {
    return this.#events.length
  }

  /** @param isThere - whether the peer came; each comes and leaves by turns */
  add(entry: Entry, isThere: boolean): void {
    this.#events.push({ entry, isThere })
  }

  clear(): void {
    this.#events = []
  }

  /** What changed from a place in the log on. Neither who came and left nor who left and came back is in a list. */
  since(position: number): Changes {
    const joined = new Map<string, Entry>()
    const left = new Map<string, Entry>()
    for (let index = position; index < this.#events.length; index++) {
      const { entry, isThere } = this.#events[index] as { entry: Entry; isThere: boolean } // within its length
      const [list, opposite] = isThere ? [joined, left] : [left, joined]
      if (!opposite.delete(entry.key)) list.set(entry.key, entry)
    }
    return { joined, left }
  }
}

/**
 * The same changes as one sees them who knows all peers but its own, when these changed as well.
 *
 * @param before - keys of its own peers when it last knew all others
 * @param now - keys of its own peers now
 * @param find - finds a peer that is there now
 */
export function changesForOwner(
  changes: Changes,
  before: readonly string[],
  now: readonly string[],
  find: (key: string) => Entry | undefined
): Changes {
  const joined = new Map(changes.joined)
  const left = new Map(changes.left)
  for (const key of new Set([...before, ...now])) {
    joined.delete(key)
    left.delete(key)
    const present = find(key)
    const past = changes.left.get(key) ?? (changes.joined.has(key) ? undefined : present)
    const isKnown = past !== undefined && !before.includes(key)
    const isOther = present !== undefined && !now.includes(key)
    if (isOther && !isKnown) joined.set(key, present)
    if (isKnown && !isOther) left.set(key, past)
  }
  return { joined, left }
}
