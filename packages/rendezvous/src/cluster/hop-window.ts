/** What a chunk counts beside its payload: what it takes to keep it. */
const CHUNK_COST = 192
/** Room is given back once a share of the window has been used: less often costs time, more often frames. */
const GRANT_SHARE = 4
/** A window that is used up within so many milliseconds is what limits the rate: it doubles. */
const GROWTH_TIME = 50

/** What a chunk of so many bytes counts in the window of a channel. */
export function chunkCost(bytes: number): number {
  return bytes + CHUNK_COST
}

export interface HopWindowOptions {
  /** Bytes of one direction of a dial that may be under way between nodes, to begin with. All nodes agree on it. */
  initial: number
  /** Bytes that it grows to at most. */
  max: number
}

/**
 * The receiving node's side of the window of a channel: how much the other node may send, and when it may send more.
 * Amounts are sums of {@link chunkCost}.
 */
export class HopWindow {
  readonly #max: number
  readonly #now: () => number
  #size: number
  /** What the other node may send, as far as it is known here; one chunk may go beyond. */
  #allowance: number
  /** What was taken and has not been given back. */
  #owed = 0
  #used = 0
  #usedSince: number

  constructor({ initial, max }: HopWindowOptions, now: () => number) {
    this.#size = initial
    this.#allowance = initial
    this.#max = max
    this.#now = now
    this.#usedSince = now()
  }

  /** A chunk has come. @returns false if the other node had no room for it */
  received(cost: number): boolean {
    const isAllowed = this.#allowance > 0
    this.#allowance -= cost
    return isAllowed
  }

  /** A chunk has been handed on. */
  consumed(cost: number): void {
    this.#owed += cost
  }

  /** How much the other node is to be granted now; 0 for nothing yet. */
  grant(): number {
    if (this.#owed * GRANT_SHARE < this.#size) return 0
    const granted = this.#owed + this.#growth()
    this.#owed = 0
    this.#allowance += granted
    return granted
  }

  #growth(): number {
    this.#used += this.#owed
    if (this.#used < this.#size) return 0
    const now = this.#now()
    const isFast = now - this.#usedSince < GROWTH_TIME
    this.#used = 0
    this.#usedSince = now
    const growth = isFast ? Math.min(this.#size, this.#max - this.#size) : 0
    this.#size += growth
    return growth
  }
}
