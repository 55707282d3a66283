import type { FrameHandler } from '../../wire/frame-reader.js'

/** Cuts what a server sends into WebSocket frames. It keeps nothing between reads but a frame that has come in part. */
export class FrameCutter {
  readonly #onFrame: FrameHandler
  #carry: Buffer | undefined

  constructor(onFrame: FrameHandler) {
    this.#onFrame = onFrame
  }

  /** @param chunk - valid during the call only */
  push(chunk: Buffer): void {
    const bytes = this.#carry === undefined ? chunk : Buffer.concat([this.#carry, chunk])
    const used = this.#cut(bytes)
    this.#carry = used < bytes.length ? Buffer.from(bytes.subarray(used)) : undefined
  }

  /** @returns how many bytes belong to whole frames */
  #cut(bytes: Buffer): number {
    let at = 0
    while (bytes.length - at >= 2) {
      const first = bytes[at] ?? 0
      let length = bytes[at + 1] ?? 0
      if ((first & 0xf0) !== 0x80 || length > 127) throw new Error('the server sent no plain frame')
      let start = at + 2
      if (length === 126) {
        start += 2
        if (bytes.length < start) break
        length = bytes.readUInt16BE(at + 2)
      } else if (length === 127) {
        start += 8
        if (bytes.length < start) break
        length = bytes.readUInt32BE(at + 6)
      }
      if (bytes.length - start < length) break
      at = start + length
      this.#onFrame(first & 0x0f, bytes, start, at)
    }
    return at
  }
}
