import { headSize, TEXT_OPCODE, writeHead } from './websocket-frame.js'

/** Text messages encoded for both transports. */
export interface Encoded {
  /** socket.io packets. */
  readonly texts: readonly string[]
  /** The same as consecutive WebSocket messages, each with engine.io's `4` in front. */
  readonly frames: readonly [Buffer] | readonly [Buffer, Buffer]
}

const MESSAGE = 0x34 // '4'

/** Text messages that are encoded once for many clients. */
export class EncodedTexts implements Encoded {
  readonly texts: readonly string[]
  readonly frames: readonly [Buffer]
  /** End of each message in the frames. */
  readonly #ends: readonly number[]

  /** @param texts - socket.io packets */
  constructor(texts: readonly string[]) {
    const sizes = texts.map((text) => 1 + Buffer.byteLength(text))
    const bytes = Buffer.allocUnsafeSlow(sizes.reduce((sum, size) => sum + headSize(size) + size, 0))
    const ends: number[] = []
    let end = 0
    for (const [index, text] of texts.entries()) {
      end = writeHead(bytes, end, TEXT_OPCODE, sizes[index] ?? 0)
      bytes[end++] = MESSAGE
      end += bytes.write(text, end)
      ends.push(end)
    }
    this.texts = texts
    this.frames = [bytes]
    this.#ends = ends
  }

  get size(): number {
    return this.frames[0].length
  }

  /** Returns all messages except one. */
  without(index: number): Encoded {
    const [bytes] = this.frames
    const frames = [bytes.subarray(0, this.#ends[index - 1] ?? 0), bytes.subarray(this.#ends[index] ?? 0)] as const
    return { texts: this.texts.toSpliced(index, 1), frames }
  }
}
