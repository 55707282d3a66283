const SIZE_MIN = 16_384
/** Buffer sizes are a multiple of `STEP` bytes plus a margin, which has room for the head before a chunk. */
const STEP = 16_384
const MARGIN = 1_024
/** Maximum of unused bytes in the pool, for all links together: about the window of one link. */
export const KEPT_MAX = 4 * 1_048_576

/**
 * Reuses the memory of envelopes. V8 runs a full garbage collection each time that a few dozen megabytes of buffers were created.
 * Without a pool, a node that relays hundreds of megabytes a second needs twice the CPU time.
 */
export class BufferPool {
  /** Unused buffers by size. */
  readonly #kept = new Map<number, ArrayBufferLike[]>()
  #keptBytes = 0

  get keptBytes(): number {
    return this.#keptBytes
  }

  /** Returns a buffer with arbitrary contents. */
  acquire(size: number): Buffer {
    if (size < SIZE_MIN) return Buffer.allocUnsafe(size)
    const pooledSize = Math.ceil((size - MARGIN) / STEP) * STEP + MARGIN
    const memory = this.#kept.get(pooledSize)?.pop()
    if (memory === undefined) return Buffer.from(Buffer.allocUnsafeSlow(pooledSize).buffer, 0, size)
    this.#keptBytes -= pooledSize
    return Buffer.from(memory, 0, size)
  }

  release({ buffer, length }: Buffer): void {
    const { byteLength } = buffer
    if (length < SIZE_MIN || byteLength > KEPT_MAX) return
    this.#makeRoom(byteLength)
    if (this.#keptBytes + byteLength > KEPT_MAX) return
    const kept = this.#kept.get(byteLength)
    if (kept === undefined) this.#kept.set(byteLength, [buffer])
    else kept.push(buffer)
    this.#keptBytes += byteLength
  }

  /** Discards buffers of other sizes if the pool is full, because sizes in use now are more likely to be needed again. */
  #makeRoom(byteLength: number): void {
    for (const [size, buffers] of this.#kept) {
      if (this.#keptBytes + byteLength <= KEPT_MAX) return
      if (size === byteLength) continue
      this.#kept.delete(size)
      this.#keptBytes -= size * buffers.length
    }
  }
}
