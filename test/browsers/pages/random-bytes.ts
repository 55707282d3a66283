/** Bytes that look random and are the same for the same seed, so that who receives them needs only a digest to compare. */
export class RandomBytes {
  readonly #block = new Uint32Array(16_384)
  readonly #bytes = new Uint8Array(this.#block.buffer)
  #at = this.#bytes.length
  #state: number

  /** @param seed - not 0 */
  constructor(seed: number) {
    this.#state = seed
  }

  /** The next ones, in memory of their own. */
  take(size: number): Uint8Array {
    const taken = new Uint8Array(size)
    for (let done = 0; done < size;) {
      if (this.#at === this.#bytes.length) this.#refill()
      const part = this.#bytes.subarray(this.#at, this.#at + size - done)
      taken.set(part, done)
      this.#at += part.length
      done += part.length
    }
    return taken
  }

  /** Marsaglia's xorshift, 32 bits. */
  #refill(): void {
    let state = this.#state
    for (let index = 0; index < this.#block.length; index++) {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      this.#block[index] = state
    }
    this.#state = state
    this.#at = 0
  }
}

/** FNV-1a, twice with different starts: 64 bits, in JavaScript because pages over plain HTTP have no `crypto.subtle`. */
export class Digest {
  bytes = 0
  #low = 0x811c9dc5
  #high = 0x01234567

  add(piece: Uint8Array): void {
    let [low, high] = [this.#low, this.#high]
    for (let index = 0; index < piece.length; index++) {
      const byte = piece[index] as number // within the length
      low = Math.imul(low ^ byte, 0x01000193)
      high = Math.imul(high ^ byte, 0x01000193) ^ (high >>> 15)
    }
    this.#low = low
    this.#high = high
    this.bytes += piece.length
  }

  toString(): string {
    return [this.#high, this.#low].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  }
}

/** What arrived, or should have. */
export interface Received {
  bytes: number
  digest: string
}

/** What has arrived once all random bytes of a seed have. */
export function digestOf(seed: number, bytes: number): Received {
  const random = new RandomBytes(seed)
  const digest = new Digest()
  while (digest.bytes < bytes) digest.add(random.take(Math.min(65_536, bytes - digest.bytes)))
  return { bytes: digest.bytes, digest: digest.toString() }
}
