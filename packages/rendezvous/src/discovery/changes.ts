import type { Entry } from '../registry/entry.js'

/** How those who are there now differ from those who were there once; by key. */
export interface Changes {
  readonly joined: ReadonlyMap<string, Entry>
  readonly left: ReadonlyMap<string, Entry>
}

/** Who came and who left, in order. A place in it stays the same when what is before it is forgotten. */
export class ChangeLog {
  #events: { entry: Entry; isThere: boolean }[] = []
  #start = 0
  /** What changed between two places, until that is asked for no more. */
  readonly #known = new Map<string, Changes>()

  /** The place after the last change. */
  get end(): number {
    return this.#start + this.#events.length
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  /** @param isThere - whether the peer came; each comes and leaves by turns */
  add(entry: Entry, isThere: boolean): void {
    this.#events.push({ entry, isThere })
    this.#known.clear()
  }

  /** Forgets what was before a place. */
  forget(end: number): void {
    this.#events.splice(0, end - this.#start)
    this.#start = end
    this.#known.clear()
  }

  /** What changed between two places. Neither who came and left nor who left and came back is in a list. */
  since(start: number, end = this.end): Changes {
    const key = `${start} ${end}`
    let changes = this.#known.get(key)
    if (changes === undefined) this.#known.set(key, (changes = this.#gather(start, end)))
    return changes
  }

  #gather(start: number, end: number): Changes {
    const joined = new Map<string, Entry>()
    const left = new Map<string, Entry>()
    for (const { entry, isThere } of this.#events.slice(start - this.#start, end - this.#start)) {
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
