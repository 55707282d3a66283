import type { PeerEntry } from '../registry/peer-entry.js'

/** Net difference between the online peers at two positions of the log, by key. */
export interface NetChanges {
  readonly joined: ReadonlyMap<string, PeerEntry>
  readonly left: ReadonlyMap<string, PeerEntry>
}

/** Peers that came online and left, in order. Positions stay valid when older entries are forgotten. */
export class ChangeLog {
  #events: { entry: PeerEntry; isOnline: boolean }[] = []
  #start = 0
  /** Results of {@link since}, valid until the log changes. */
  readonly #cache = new Map<string, NetChanges>()

  get end(): number {
    return this.#start + this.#events.length
  }

  get isEmpty(): boolean {
    return this.#events.length === 0
  }

  add(entry: PeerEntry, isOnline: boolean): void {
    this.#events.push({ entry, isOnline })
    this.#cache.clear()
  }

  forget(end: number): void {
    this.#events.splice(0, end - this.#start)
    this.#start = end
    this.#cache.clear()
  }

  /** Returns the net changes between two positions. A peer that joined and left again, or the reverse, is in neither list. */
  since(start: number, end = this.end): NetChanges {
    const key = `${start} ${end}`
    let changes = this.#cache.get(key)
    if (changes === undefined) this.#cache.set(key, (changes = this.#gather(start, end)))
    return changes
  }

  #gather(start: number, end: number): NetChanges {
    const joined = new Map<string, PeerEntry>()
    const left = new Map<string, PeerEntry>()
    for (const { entry, isOnline } of this.#events.slice(start - this.#start, end - this.#start)) {
      const [list, opposite] = isOnline ? [joined, left] : [left, joined]
      if (!opposite.delete(entry.key)) list.set(entry.key, entry)
    }
    return { joined, left }
  }
}

/** Removes a client's own peers from changes. `before` and `now` are the keys of its own peers at the start and at the end. */
export function withoutOwnPeers(
  changes: NetChanges,
  before: readonly string[],
  now: readonly string[],
  find: (key: string) => PeerEntry | undefined
): NetChanges {
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
