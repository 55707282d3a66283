import { patternOf } from '../../wire/train.js'

/** About how many bytes pass before the pattern repeats. */
const PERIOD = 1 << 20
/** Bytes compared at once. */
const LONGEST = 1 << 20

/** What a stream carries: each byte follows from its offset, so that one that is lost, doubled or moved is noticed. */
export class Pattern {
  /** The stream as it is written, piece by piece; after the last comes the first. */
  readonly pieces: readonly Uint8Array[]
  readonly #period: number
  /** More than a period, so that what begins in it need not be cut. */
  readonly #bytes: Buffer

  /** @param size - of each piece, in bytes */
  constructor(size: number) {
    // An odd number of pieces: chunks of the sizes that computers like do not repeat with the pattern.
    const count = Math.ceil(PERIOD / size) | 1
    this.#period = count * size
    const once = patternOf(size, this.#period)
    this.#bytes = Buffer.concat([once, once.subarray(0, LONGEST)])
    this.pieces = Array.from(
      { length: count },
      (_, index) => new Uint8Array(once.buffer, once.byteOffset + index * size, size)
    )
  }

  /** @throws {Error} if these are not the bytes from `offset` on */
  check(bytes: Uint8Array, offset: number): void {
    for (let from = 0; from < bytes.length;) {
      const to = Math.min(from + LONGEST, bytes.length)
      const at = (offset + from) % this.#period
      if (this.#bytes.compare(bytes, from, to, at, at + to - from) !== 0) {
        throw new Error(`a byte of the ${bytes.length} from ${offset} on is wrong`)
      }
      from = to
    }
  }
}
