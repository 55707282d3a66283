import { headSize, TEXT_OPCODE, writeHead } from './websocket-frame.js'

/** Text messages in both forms they are sent in. */
export interface Encoded {
  /** Each as a socket.io packet. */
  readonly texts: readonly string[]
  /** All of them as WebSocket messages with engine.io's `4` before each, one after the other, in one piece or two. */
  readonly frames: readonly [Buffer] | readonly [Buffer, Buffer]
}

const MESSAGE = 0x34 // '4'

/** Text messages that are encoded once, however many clients they go to. */
export class EncodedTexts implements Encoded {
  readonly texts: readonly string[]
  readonly frames: readonly [Buffer]
  /** Where each message ends. */
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

  /** Bytes of all messages on a WebSocket. */
  get size(): number {
    return this.frames[0].length
  }

  /** All messages but one. */
  without(index: number): Encoded {
    const [bytes] = this.frames
    const frames = [bytes.subarray(0, this.#ends[index - 1] ?? 0), bytes.subarray(this.#ends[index] ?? 0)] as const
    return { texts: this.texts.toSpliced(index, 1), frames }
  }
}
