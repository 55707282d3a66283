import type { Frame } from '../frames.js'
import { writeFrame } from './frame-codec.js'
import type { BufferPool } from './buffer-pool.js'

/** Back-off between retransmissions in milliseconds, doubled each time until something is acknowledged. */
const BACK_OFF = 50
const BACK_OFF_MAX = 800

/**
 * Sending side of a link: collects frames into numbered envelopes, and keeps these until they are acknowledged. At most a
 * window of envelopes is in flight, so that they fit into the buffers of Redis.
 */
export class Outbox {
  /** Bytes before the frames of an envelope. */
  readonly #headSize: number
  readonly #pool: BufferPool
  #gathered: Frame[] = []
  gatheredBytes = 0
  /** Unacknowledged envelopes, in order. */
  readonly #kept: Buffer[] = []
  /** Number of the first unacknowledged envelope. */
  #first = 1
  #keptBytes = 0
  /** Number of envelopes in flight, from the first unacknowledged one on. Later ones wait for room in the window. */
  #inFlight = 0
  #inFlightBytes = 0
  /** Highest number ever sent. */
  sent = 0
  #rewoundAt = Number.NEGATIVE_INFINITY
  #backOff = 0

  constructor(headSize: number, pool: BufferPool) {
    this.#headSize = headSize
    this.#pool = pool
  }

  /** Bytes that are unsent or unacknowledged. */
  get bytes(): number {
    return this.#keptBytes + this.gatheredBytes
  }

  get isEmpty(): boolean {
    return this.#kept.length === 0
  }

  /** Number of the last envelope in flight. During retransmissions it may be lower than {@link sent}. */
  get last(): number {
    return this.#first + this.#inFlight - 1
  }

  gather(frame: Frame, size: number): void {
    this.#gathered.push(frame)
    this.gatheredBytes += size
  }

  /** Writes the gathered frames into an envelope. Chunks are copied here only. */
  seal(): void {
    if (this.#gathered.length === 0) return
    const envelope = this.#pool.acquire(this.#headSize + this.gatheredBytes)
    let offset = this.#headSize
    for (const frame of this.#gathered) offset = writeFrame(envelope, offset, frame)
    this.#gathered = []
    this.gatheredBytes = 0
    this.#kept.push(envelope)
    this.#keptBytes += envelope.length
  }

  /** Takes the next envelope to send; undefined if none waits or the window is full. The caller has to write its head. */
  next(
    window: number
  ): { readonly bytes: Buffer; readonly sequence: number; readonly isRetransmission: boolean } | undefined {
    const kept = this.#kept[this.#inFlight]
    if (kept === undefined || this.#inFlightBytes >= window) return undefined
    const sequence = this.#first + this.#inFlight++
    this.#inFlightBytes += kept.length
    const isRetransmission = sequence <= this.sent
    if (!isRetransmission) this.sent = sequence
    // The carrier may still use the buffer of the first transmission.
    return { bytes: isRetransmission ? Buffer.from(kept) : kept, sequence, isRetransmission }
  }

  /** Forgets the envelopes up to an acknowledged number. @returns false if none of them was kept */
  acknowledge(sequence: number): boolean {
    const count = sequence - this.#first + 1
    if (count <= 0) return false
    for (const [index, envelope] of this.#kept.splice(0, count).entries()) {
      this.#keptBytes -= envelope.length
      if (index < this.#inFlight) this.#inFlightBytes -= envelope.length
      // The first transmission is over, and retransmissions are copies.
      this.#pool.release(envelope)
    }
    this.#inFlight = Math.max(0, this.#inFlight - count)
    this.#first += count
    this.#backOff = 0
    return true
  }

  /** Queues all unacknowledged envelopes for retransmission. */
  rewind(now: number): void {
    this.#inFlight = 0
    this.#inFlightBytes = 0
    this.#rewoundAt = now
    this.#backOff = Math.min(BACK_OFF_MAX, this.#backOff * 2 || BACK_OFF)
  }

  /** Returns whether to retransmit: our oldest unacknowledged envelope is the missing one, and the back-off has passed. */
  mayRewind(acknowledged: number, now: number): boolean {
    return acknowledged + 1 === this.#first && now - this.#rewoundAt >= this.#backOff
  }

  clear(): void {
    this.#gathered = []
    this.gatheredBytes = 0
    this.#kept.length = 0
    this.#keptBytes = 0
  }
}
