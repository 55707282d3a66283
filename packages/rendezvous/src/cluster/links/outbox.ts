import type { Frame } from '../frames.js'
import { writeFrame } from './frame-codec.js'
import type { Slabs } from './slabs.js'

/** Milliseconds between two times that all is sent again, if nothing was acknowledged meanwhile. Doubled each time. */
const AGAIN_PAUSE = 50
const AGAIN_PAUSE_MAX = 800

/**
 * What one side of a link sends: frames that are being gathered, and numbered envelopes, which are kept until they are
 * acknowledged. No more than a window of them are out at once, so that a link fits into what Redis buffers.
 */
export class Outbox {
  /** Bytes before the frames of an envelope. */
  readonly #headSize: number
  readonly #slabs: Slabs
  #gathered: Frame[] = []
  /** Bytes that the gathered frames will take. */
  gatheredBytes = 0
  /** Envelopes that are not acknowledged, by number. */
  readonly #kept: Buffer[] = []
  /** Number of the first of them. */
  #first = 1
  #keptBytes = 0
  /** How many of them are out; the others wait. */
  #out = 0
  #outBytes = 0
  /** The last number that was ever sent. */
  sent = 0
  /** When all was last sent again, and how long it is not again. Milliseconds. */
  #againAt = Number.NEGATIVE_INFINITY
  #againPause = 0

  constructor(headSize: number, slabs: Slabs) {
    this.#headSize = headSize
    this.#slabs = slabs
  }

  /** Bytes that are not acknowledged, or not even sent. */
  get bytes(): number {
    return this.#keptBytes + this.gatheredBytes
  }

  /** Everything was acknowledged. */
  get isEmpty(): boolean {
    return this.#kept.length === 0
  }

  /** The last number that is out. After all is sent again it may be lower than the last that was ever sent. */
  get last(): number {
    return this.#first + this.#out - 1
  }

  gather(frame: Frame, size: number): void {
    this.#gathered.push(frame)
    this.gatheredBytes += size
  }

  /** The gathered frames become an envelope. Chunks are copied here, and nowhere else. */
  seal(): void {
    if (this.#gathered.length === 0) return
    const envelope = this.#slabs.take(this.#headSize + this.gatheredBytes)
    let offset = this.#headSize
    for (const frame of this.#gathered) offset = writeFrame(envelope, offset, frame)
    this.#gathered = []
    this.gatheredBytes = 0
    this.#kept.push(envelope)
    this.#keptBytes += envelope.length
  }

  /**
   * The next envelope to send, without a head; it may be written to.
   *
   * @returns undefined if there is none, or too much is out
   */
  next(window: number): { readonly bytes: Buffer; readonly sequence: number; readonly isAgain: boolean } | undefined {
    const kept = this.#kept[this.#out]
    if (kept === undefined || this.#outBytes >= window) return undefined
    const sequence = this.#first + this.#out++
    this.#outBytes += kept.length
    const isAgain = sequence <= this.sent
    if (!isAgain) this.sent = sequence
    // The carrier may still hold what it got the first time.
    return { bytes: isAgain ? Buffer.from(kept) : kept, sequence, isAgain }
  }

  /** All up to a number that was sent have arrived. @returns whether any of them was not known to have */
  acknowledge(sequence: number): boolean {
    const count = sequence - this.#first + 1
    if (count <= 0) return false
    for (const [index, envelope] of this.#kept.splice(0, count).entries()) {
      this.#keptBytes -= envelope.length
      if (index < this.#out) this.#outBytes -= envelope.length
      // The first sending has left, or was given up: later ones are copies.
      this.#slabs.giveBack(envelope)
    }
    this.#out = Math.max(0, this.#out - count)
    this.#first += count
    this.#againPause = 0
    return true
  }

  /** All that is kept is to be sent again. */
  rewind(now: number): void {
    this.#out = 0
    this.#outBytes = 0
    this.#againAt = now
    this.#againPause = Math.min(AGAIN_PAUSE_MAX, this.#againPause * 2 || AGAIN_PAUSE)
  }

  /** Whether all after this number may be sent again: it is what is kept, and sending it again has had its time to help. */
  mayRewind(acknowledged: number, now: number): boolean {
    return acknowledged + 1 === this.#first && now - this.#againAt >= this.#againPause
  }

  clear(): void {
    this.#gathered = []
    this.gatheredBytes = 0
    this.#kept.length = 0
    this.#keptBytes = 0
  }
}
