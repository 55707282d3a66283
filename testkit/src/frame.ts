const CONTINUATION = 0
export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

const FIN = 0x80

/** Every byte of the masking key. One that is not zero, or `ws` would skip the unmasking that each real client costs it. */
const MASK = 0x5a

/** Masks a number that is written over four masked bytes. */
export const MASK_WORD = MASK * 0x01010101

/** A whole WebSocket frame as a client sends it. */
export function maskedFrame(opcode: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = frameHeadLength(length)
  const frame = Buffer.alloc(head + length, MASK)
  frame[0] = FIN | opcode
  if (length < 126) {
    frame[1] = 0x80 | length
  } else if (length < 65_536) {
    frame[1] = 0x80 | 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 0x80 | 127
    frame.writeUInt32BE(0, 2)
    frame.writeUInt32BE(length, 6)
  }
  let at = head
  for (const part of parts) for (let byte = 0; byte < part.length; byte++) frame[at++] = (part[byte] ?? 0) ^ MASK
  return frame
}

export function textFrame(text: string): Buffer {
  return maskedFrame(TEXT, Buffer.from(text))
}

/** One message in continuation frames of at most `size` bytes, as Chromium sends large ones. */
export function fragmentedFrames(opcode: number, message: Buffer, size: number): Buffer[] {
  const frames: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    const frame = maskedFrame(at === 0 ? opcode : CONTINUATION, message.subarray(at, at + size))
    if (at + size < message.length) frame[0] = at === 0 ? opcode : CONTINUATION
    frames.push(frame)
  }
  return frames
}

/** Bytes before the payload of a masked frame. */
export function frameHeadLength(payloadLength: number): number {
  return payloadLength < 126 ? 6 : payloadLength < 65_536 ? 8 : 14
}
