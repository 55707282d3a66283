/** Bytes of the smallest envelope whose memory is worth keeping. */
const SMALLEST = 16_384
/** Bytes beyond a power of two, so that a chunk of such a size fits in with what stands before it. */
const MARGIN = 1_024
/** Bytes that are kept for later at most, for all links together: what a link may have out. */
const KEPT_MAX = 4 * 1_048_576

/**
 * Memory of envelopes that is used again. V8 counts what buffers take against a limit not far above its small heap: without
 * this a node that passes on hundreds of megabytes a second collects all garbage every few dozen, for twice the CPU.
 */
export class Slabs {
  /** By the power of two. */
  readonly #kept: ArrayBufferLike[][] = Array.from({ length: 32 }, () => [])
  #keptBytes = 0

  /** @returns memory with anything in it */
  take(size: number): Buffer {
    if (size < SMALLEST) return Buffer.allocUnsafe(size)
    const power = powerOf(size)
    const slab = this.#kept[power]?.pop()
    if (slab === undefined) return Buffer.from(Buffer.allocUnsafeSlow(2 ** power + MARGIN).buffer, 0, size)
    this.#keptBytes -= slab.byteLength
    return Buffer.from(slab, 0, size)
  }

  /** Takes back what nobody reads any more. */
  giveBack({ buffer, length }: Buffer): void {
    if (length < SMALLEST || this.#keptBytes + buffer.byteLength > KEPT_MAX) return
    this.#keptBytes += buffer.byteLength
    this.#kept[powerOf(length)]?.push(buffer)
  }
}

/** The least power of two that holds so many bytes, but for the margin. */
function powerOf(size: number): number {
  return 32 - Math.clz32(size - MARGIN - 1)
}
