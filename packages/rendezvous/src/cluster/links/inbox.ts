/** Milliseconds between two nacks for the same envelope. */
const NACK_PAUSE = 50

/** Receiving side of a link: tracks which numbered envelopes have arrived. */
export class Inbox {
  /** Number of the last envelope before which none is missing. */
  received = 0
  /** Received bytes that have not been acknowledged. */
  unacknowledged = 0
  /** Number of the last nack, and its time in milliseconds. */
  #nacked = 0
  #nackedAt = 0

  place(sequence: number): 'next' | 'duplicate' | 'gap' {
    if (sequence === this.received + 1) return 'next'
    return sequence <= this.received ? 'duplicate' : 'gap'
  }

  take(bytes: number): void {
    this.received++
    this.unacknowledged += bytes
  }

  /** Returns whether to send a nack for a missing envelope now. If so, records the nack as sent. */
  mayNack(now: number): boolean {
    const missing = this.received + 1
    if (missing === this.#nacked && now - this.#nackedAt < NACK_PAUSE) return false
    this.#nacked = missing
    this.#nackedAt = now
    return true
  }
}
