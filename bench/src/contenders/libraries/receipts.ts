/** Writes, and bytes, under way at most. */
const WRITES = 4096
const BYTES = 4 << 20
const SHARE = 16

/**
 * What applications do where their library lets too much be under way: the receiver sends back one byte for so many that
 * came, and the sender waits for those. `libp2p-websocket-star` queues whatever it is given; js-libp2p takes so many small
 * writes that they need seconds to arrive, and on a busy machine lost their end.
 */
export class Receipts {
  /** Bytes that may be under way. */
  readonly window: number
  readonly #interval: number
  #received = 0
  #told = 0

  /** @param size - bytes of each write */
  constructor(size: number) {
    this.window = Math.min(BYTES, WRITES * size)
    this.#interval = Math.floor(this.window / SHARE)
  }

  /** Bytes that a number of receipts stands for. */
  bytesOf(count: number): number {
    return count * this.#interval
  }

  received(bytes: number): void {
    this.#received += bytes
  }

  /** @returns what is to be sent back now, if anything */
  take(): Uint8Array | undefined {
    const due = Math.floor(this.#received / this.#interval) - this.#told
    this.#told += due
    return due === 0 ? undefined : new Uint8Array(due)
  }
}
