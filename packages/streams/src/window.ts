import { CREDIT_MAX, InvalidOptionsError } from '@websocket-star/protocol'

/** How much a receiver lets its sender have under way, in bytes. */
export interface WindowOptions {
  /** To begin with. Default 256 KiB. */
  initial?: number
  /** At most. Default 4 MiB. */
  max?: number
}

export const WINDOW_INITIAL = 262_144
export const WINDOW_MAX = 4_194_304

/** Credit is granted once a share of the window has been consumed: less often costs time, more often messages. */
const GRANT_SHARE = 4
/** A window that is used up within so many round trips is what holds the sender back: it doubles. */
const GROWTH_ROUND_TRIPS = 3

/**
 * What a receiver grants. The window doubles while it, and not the reader, limits the rate: that takes the round trip,
 * which is the time from a grant to the first byte that only that grant allowed.
 */
export class ReceiveWindow {
  #size: number
  readonly #max: number
  readonly #now: () => number
  #granted: number
  #received = 0
  #consumed = 0
  #roundTrip = Number.POSITIVE_INFINITY
  /** A grant whose first byte has not come yet. */
  #sample: { mark: number; at: number } | undefined
  #epoch: { consumed: number; at: number }

  constructor(
    { initial = WINDOW_INITIAL, max = WINDOW_MAX }: WindowOptions = {},
    now: () => number = () => performance.now()
  ) {
    if (!Number.isInteger(initial) || !Number.isInteger(max) || initial < 1 || max < initial || max > CREDIT_MAX) {
      throw new InvalidOptionsError(
        `window: expected whole bytes, 1 <= initial <= max <= ${CREDIT_MAX}, got ${initial} and ${max}`
      )
    }
    this.#size = initial
    this.#max = max
    this.#now = now
    this.#granted = initial
    this.#epoch = { consumed: 0, at: now() }
  }

  /** The sender is told of the first grant now. */
  open(): void {
    const at = this.#now()
    this.#sample = { mark: 0, at }
    this.#epoch.at = at
  }

  get size(): number {
    return this.#size
  }

  /** Bytes that came and have not been consumed. */
  get unread(): number {
    return this.#received - this.#consumed
  }

  /**
   * Bytes have come.
   *
   * @returns how many more than were granted, 0 for none
   */
  received(bytes: number): number {
    this.#received += bytes
    const sample = this.#sample
    if (sample !== undefined && this.#received > sample.mark) {
      this.#roundTrip = Math.min(this.#roundTrip, this.#now() - sample.at)
      this.#sample = undefined
    }
    return Math.max(0, this.#received - this.#granted)
  }

  /**
   * The reader has taken bytes.
   *
   * @returns what to grant the sender now, 0 for nothing yet; if there is something, then perhaps more, for one grant has
   * its limit and a message may exceed it: to be asked again, with 0
   */
  consumed(bytes: number): number {
    this.#consumed += bytes
    const owed = this.#consumed + this.#size - this.#granted
    if (owed < this.#size / GRANT_SHARE) return 0
    const at = this.#now()
    if (this.#consumed - this.#epoch.consumed >= this.#size) {
      if (at - this.#epoch.at < GROWTH_ROUND_TRIPS * this.#roundTrip) this.#size = Math.min(2 * this.#size, this.#max)
      this.#epoch = { consumed: this.#consumed, at }
    }
    const credit = Math.min(this.#consumed + this.#size - this.#granted, CREDIT_MAX)
    this.#sample ??= { mark: this.#granted, at }
    this.#granted += credit
    return credit
  }
}
