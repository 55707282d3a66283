const CAPACITY = 65_536

/** Copies small chunks into one buffer, so that none of them retains the larger buffer it was read into. */
export class ChunkBuffer {
  #bytes = new Uint8Array(4_096)
  #length = 0

  constructor(first: Uint8Array) {
    this.add(first)
  }

  get value(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  get size(): number {
    return this.#length
  }

  /** @returns false if the chunk does not fit */
  add(chunk: Uint8Array): boolean {
    const length = this.#length + chunk.length
    if (length > CAPACITY) return false
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.min(CAPACITY, Math.max(length, 2 * this.#bytes.length)))
      larger.set(this.value)
      this.#bytes = larger
    }
    this.#bytes.set(chunk, this.#length)
    this.#length = length
    return true
  }
}
