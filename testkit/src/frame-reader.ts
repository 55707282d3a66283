/** Is given each frame: its payload is `bytes` from `start` to `end`, valid during the call only. */
export type FrameHandler = (opcode: number, bytes: Buffer, start: number, end: number) => void

const NOTHING = Buffer.alloc(0)

/** Cuts what a server sends into WebSocket frames. Only a frame that straddles two reads is copied, and kept until it is whole. */
export class FrameReader {
  readonly #onFrame: FrameHandler
  readonly #spare: Buffer
  /** The beginning of a frame: as long as the frame will be, and how much of it has come. */
  #partial: Buffer | undefined
  #held = 0
  /** The beginning of a frame that does not tell yet how long it will be. */
  #head = NOTHING
  /** Bytes of the frame at which the last cut ended; 0 if that is not known. */
  #size = 0

  /** @param spare - holds frames that come in parts, if they fit; others get memory of their own each time */
  constructor(onFrame: FrameHandler, spare: Buffer = NOTHING) {
    this.#onFrame = onFrame
    this.#spare = spare
  }

  /** @param chunk - valid during the call only */
  push(chunk: Buffer): void {
    let bytes = chunk
    let at = 0
    if (this.#partial !== undefined) {
      at = chunk.copy(this.#partial, this.#held)
      this.#held += at
      if (this.#held < this.#partial.length) return
      const whole = this.#partial
      this.#partial = undefined
      this.#cut(whole, 0)
    } else if (this.#head.length > 0) {
      bytes = Buffer.concat([this.#head, chunk])
      this.#head = NOTHING
    }
    const end = this.#cut(bytes, at)
    if (end < bytes.length) this.#keep(bytes, end)
  }

  #keep(bytes: Buffer, from: number): void {
    if (this.#size === 0) {
      this.#head = Buffer.from(bytes.subarray(from))
    } else {
      const fits = this.#size <= this.#spare.length
      this.#partial = fits ? this.#spare.subarray(0, this.#size) : Buffer.allocUnsafe(this.#size)
      this.#held = bytes.copy(this.#partial, 0, from)
    }
  }

  /** @returns where the first frame begins that is not whole */
  #cut(bytes: Buffer, from: number): number {
    let at = from
    this.#size = 0
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
      if (bytes.length - start < length) {
        this.#size = start + length - at
        return at
      }
      this.#onFrame(first & 0x0f, bytes, start, start + length)
      at = start + length
    }
    return at
  }
}
