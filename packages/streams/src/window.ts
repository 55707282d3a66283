import { CREDIT_MAX, InvalidOptionsError } from '@websocket-star/protocol'

/** Limits of the receive window: bytes that the sender may have in flight. */
export interface WindowOptions {
  /** Size at the start, in bytes. Default 256 KiB. */
  initial?: number
  /** Size to which it may grow, in bytes. Default 4 MiB; at most 16 MiB. */
  max?: number
}

export const WINDOW_INITIAL = 262_144
export const WINDOW_MAX = 4_194_304

/** Credit is granted per quarter of the window: smaller grants cost messages, larger ones delay the sender. */
const GRANT_SHARE = 4
/** A window consumed within this many round trips limits the sender, and is doubled. */
const GROWTH_ROUND_TRIPS = 3

/**
 * Computes the credit that a receiver grants. The window doubles while the window, and not the reader, limits the rate. The
 * round trip is measured from a grant to the first byte that needed this grant.
 */
export class ReceiveWindow {
  #size: number
  readonly #max: number
  readonly #now: () => number
  #granted: number
  #received = 0
  #consumed = 0
  #roundTrip = Number.POSITIVE_INFINITY
  /** Grant whose first byte is awaited. */
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

  /** Starts the measurement of the round trip: the first grant is being sent. */
  open(): void {
    const at = this.#now()
    this.#sample = { mark: 0, at }
    this.#epoch.at = at
  }

  get size(): number {
    return this.#size
  }

  get unread(): number {
    return this.#received - this.#consumed
  }

  /** @returns bytes received in excess of all grants */
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
   * Records that the reader took bytes, and returns the credit to grant now. A grant is limited to `CREDIT_MAX`: call again with
   * 0 until it returns 0.
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
