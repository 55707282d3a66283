/** Milliseconds between two requests for the same envelope. */
const NACK_PAUSE = 50

/** What one side of a link has received. */
export class Inbox {
  /** The last number of those that came without a gap. */
  received = 0
  /** Bytes of them that the other side has not been told of. */
  untold = 0
  /** The number that was last asked for again, and when; milliseconds. */
  #missing = 0
  #askedAt = 0

  /** Where an envelope belongs. */
  place(sequence: number): 'next' | 'duplicate' | 'gap' {
    if (sequence === this.received + 1) return 'next'
    return sequence <= this.received ? 'duplicate' : 'gap'
  }

  /** The next one has come. */
  take(bytes: number): void {
    this.received++
    this.untold += bytes
  }

  /** Whether to ask for the next envelope now, for a later one was sent. */
  mayNack(now: number): boolean {
    const missing = this.received + 1
    if (missing === this.#missing && now - this.#askedAt < NACK_PAUSE) return false
    this.#missing = missing
    this.#askedAt = now
    return true
  }
}
