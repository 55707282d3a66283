import { BINARY, frameHeadLength, MASK_WORD, maskedFrame, textFrame } from '@websocket-star/testkit'

/** One chunk as it travels: a text that announces it, then bytes. */
export interface MessageShape {
  /** The text frame before each binary one. */
  header: string
  /** What precedes the payload in the binary frame: EIO3's `04`. */
  lead: Uint8Array
  /** The first four bytes are overwritten by the message's number. */
  payload: Buffer
}

/** A number of messages of one stream, framed and masked ahead of time; only their numbers are written when they leave. */
export class Train {
  readonly #bytes: Buffer
  readonly #count: number
  /** Bytes of one message on the wire. */
  readonly #size: number
  readonly #binaryAt: number
  readonly #numberAt: number

  constructor({ header, lead, payload }: MessageShape, count: number) {
    const head = textFrame(header)
    const message = Buffer.concat([head, maskedFrame(BINARY, lead, payload)])
    this.#bytes = Buffer.concat(Array.from({ length: count }, () => message))
    this.#count = count
    this.#size = message.length
    this.#binaryAt = head.length
    this.#numberAt = head.length + frameHeadLength(lead.length + payload.length) + lead.length
  }

  /** All messages, numbered from `first`. */
  number(first: number): Buffer {
    for (let index = 0; index < this.#count; index++) this.#stamp(index, first + index)
    return this.#bytes
  }

  /** One message as its two frames. */
  frames(index: number, number: number): [header: Buffer, binary: Buffer] {
    this.#stamp(index, number)
    const start = index * this.#size
    return [
      this.#bytes.subarray(start, start + this.#binaryAt),
      this.#bytes.subarray(start + this.#binaryAt, start + this.#size)
    ]
  }

  #stamp(index: number, number: number): void {
    this.#bytes.writeUInt32LE((number ^ MASK_WORD) >>> 0, index * this.#size + this.#numberAt)
  }
}

/** Bytes that differ from one stream to the next, so that a chunk in the wrong place is noticed. */
export function patternOf(seed: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = (seed + 1) * 0x9e3779b1
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0
    bytes[at] = state >>> 16
  }
  return bytes
}
