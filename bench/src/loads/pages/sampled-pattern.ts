/** What a stream between pages carries: what runs in the browser, and takes little time there. */

/** About how many bytes pass before the pattern repeats. */
const PERIOD = 1 << 20
/** Prime, so that the bytes that are looked at wander. */
const STRIDE = 7919

/** Each byte follows from its offset; of each chunk that arrives one byte is looked at. */
export class SampledPattern {
  /** The stream as it is written, piece by piece; after the last comes the first. */
  readonly pieces: readonly Uint8Array[]
  readonly #bytes: Uint8Array
  #at = 0

  /** @param size - of each piece, in bytes */
  constructor(size: number) {
    // An odd number of pieces: chunks of the sizes that computers like do not repeat with the pattern.
    const count = Math.ceil(PERIOD / size) | 1
    this.#bytes = noise(count * size)
    this.pieces = Array.from({ length: count }, (_, index) => this.#bytes.subarray(index * size, (index + 1) * size))
  }

  /** @throws {Error} if the byte that is looked at is not the one that belongs there */
  check(chunk: Uint8Array, offset: number): void {
    if (chunk.length === 0) return
    this.#at = (this.#at + STRIDE) % chunk.length
    const expected = this.#bytes[(offset + this.#at) % this.#bytes.length]
    if (chunk[this.#at] !== expected) throw new Error(`the byte at ${offset + this.#at} is wrong`)
  }
}

/** Bytes without a pattern of their own, the same in every page: xorshift32. */
function noise(length: number): Uint8Array {
  let state = 1
  return Uint8Array.from({ length }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state
  })
}
