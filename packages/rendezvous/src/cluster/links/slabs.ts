/** Bytes of the smallest envelope whose memory is worth keeping. */
const SMALLEST = 16_384
/** Slabs have a multiple of this, and a margin, so that a chunk of such a size fits in with what stands before it. Bytes. */
const STEP = 16_384
const MARGIN = 1_024
/** Bytes that are kept for later at most, for all links together: about as much as one of them has out. */
export const KEPT_MAX = 4 * 1_048_576

/**
 * Memory of envelopes that is used again. V8 counts what buffers take against a limit not far above its small heap: without
 * this a node that passes on hundreds of megabytes a second collects all garbage every few dozen, for twice the CPU.
 */
export class Slabs {
  /** By their size. */
  readonly #kept = new Map<number, ArrayBufferLike[]>()
  #keptBytes = 0

  /** Bytes that are kept for later. */
  get keptBytes(): number {
    return this.#keptBytes
  }

  /** @returns memory with anything in it */
  take(size: number): Buffer {
    if (size < SMALLEST) return Buffer.allocUnsafe(size)
    const slabSize = Math.ceil((size - MARGIN) / STEP) * STEP + MARGIN
    const slab = this.#kept.get(slabSize)?.pop()
    if (slab === undefined) return Buffer.from(Buffer.allocUnsafeSlow(slabSize).buffer, 0, size)
    this.#keptBytes -= slabSize
    return Buffer.from(slab, 0, size)
  }

  /** Takes back what {@link take} gave and nobody reads any more. */
  giveBack({ buffer, length }: Buffer): void {
    const { byteLength } = buffer
    if (length < SMALLEST || byteLength > KEPT_MAX) return
    this.#forgetOthers(byteLength)
    if (this.#keptBytes + byteLength > KEPT_MAX) return
    const kept = this.#kept.get(byteLength)
    if (kept === undefined) this.#kept.set(byteLength, [buffer])
    else kept.push(buffer)
    this.#keptBytes += byteLength
  }

  /** Makes room for what is in use now, if there is none. */
  #forgetOthers(byteLength: number): void {
    for (const [size, slabs] of this.#kept) {
      if (this.#keptBytes + byteLength <= KEPT_MAX) return
      if (size === byteLength) continue
      this.#kept.delete(size)
      this.#keptBytes -= size * slabs.length
    }
  }
}
