/** Memory overhead of a queued chunk, in bytes. */
const CHUNK_OVERHEAD = 192
/** Consumed part of the window at which credit is granted. A larger part costs throughput, a smaller part more frames. */
const GRANT_PART = 1 / 4
/** A window that is used up within this many milliseconds limits the rate, and doubles. */
const GROWTH_TIME = 50

/** Returns the size of a chunk as the window of a channel counts it: its bytes and a fixed overhead. */
export function chunkCost(bytes: number): number {
  return bytes + CHUNK_OVERHEAD
}

export interface ChannelWindowOptions {
  /** First size of the window, which must be the same on all nodes. */
  initial: number
  /** Maximum size of the window. */
  max: number
}

/** Receiving side of a channel's flow control between nodes. Amounts are sums of {@link chunkCost}. */
export class ChannelWindow {
  readonly #max: number
  readonly #now: () => number
  #size: number
  /** Credit of the other node; one chunk may exceed it. */
  #allowance: number
  #ungranted = 0
  #used = 0
  #usedSince: number

  constructor({ initial, max }: ChannelWindowOptions, now: () => number) {
    this.#size = initial
    this.#allowance = initial
    this.#max = max
    this.#now = now
    this.#usedSince = now()
  }

  /** Records an arrived chunk. @returns false if the other node had no credit for it */
  received(cost: number): boolean {
    const isAllowed = this.#allowance > 0
    this.#allowance -= cost
    return isAllowed
  }

  consumed(cost: number): void {
    this.#ungranted += cost
  }

  /** Takes the credit that is due for the other node; 0 while less than {@link GRANT_PART} of the window is consumed. */
  grant(): number {
    if (this.#ungranted < this.#size * GRANT_PART) return 0
    const granted = this.#ungranted + this.#growth()
    this.#ungranted = 0
    this.#allowance += granted
    return granted
  }

  #growth(): number {
    this.#used += this.#ungranted
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
