/** Is given each frame: its payload is `bytes` from `start` to `end`, valid during the call only. */
export type FrameHandler = (opcode: number, bytes: Buffer, start: number, end: number) => void

/** Cuts what a server sends into WebSocket frames. Only a frame that straddles two reads is copied. */
export class FrameReader {
  readonly #onFrame: FrameHandler
  /** The beginning of a frame whose end has not come. */
  #carry = Buffer.alloc(64 * 1024)
  #held = 0

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame
  }

  push(chunk: Buffer): void {
    let bytes = chunk
    if (this.#held > 0) {
      this.#reserve(this.#held + chunk.length)
      chunk.copy(this.#carry, this.#held)
      bytes = this.#carry.subarray(0, this.#held + chunk.length)
    }
    const used = this.#cut(bytes)
    const left = bytes.length - used
    if (left > 0) {
      this.#reserve(left)
      bytes.copy(this.#carry, 0, used)
    }
    this.#held = left
  }

  /** @returns how many bytes belong to whole frames */
  #cut(bytes: Buffer): number {
    let at = 0
    while (bytes.length - at >= 2) {
      const first = bytes[at] ?? 0
      const second = bytes[at + 1] ?? 0
      if ((first & 0xf0) !== 0x80) throw new Error('the server sent a fragment or an extension bit')
      if ((second & 0x80) !== 0) throw new Error('the server sent a masked frame')
      let start = at + 2
      let length = second
      if (second === 126) {
        start += 2
        if (bytes.length < start) return at
        length = bytes.readUInt16BE(at + 2)
      } else if (second === 127) {
        start += 8
        if (bytes.length < start) return at
        length = bytes.readUInt32BE(at + 6)
      }
      if (bytes.length - start < length) return at
      this.#onFrame(first & 0x0f, bytes, start, start + length)
      at = start + length
    }
    return at
  }

  #reserve(length: number): void {
    if (length <= this.#carry.length) return
    const larger = Buffer.alloc(length * 2)
    this.#carry.copy(larger, 0, 0, this.#held)
    this.#carry = larger
  }
}
