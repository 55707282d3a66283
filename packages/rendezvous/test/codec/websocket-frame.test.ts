import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BINARY_OPCODE, headSize, TEXT_OPCODE, writeHead } from '../../src/codec/websocket-frame.js'

/** Reads a header (RFC 6455, section 5.2). */
function readHead(frame: Buffer): { first: number; size: number; end: number } {
  const [first = 0, length = 0] = frame
  if (length < 126) return { first, size: length, end: 2 }
  if (length === 126) return { first, size: frame.readUInt16BE(2), end: 4 }
  return { first, size: Number(frame.readBigUInt64BE(2)), end: 10 }
}

const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 1_048_576, 2 ** 32 + 5]

describe('the head of a WebSocket message', () => {
  test.each(sizes)('of %i bytes is read back equal, and takes the fewest bytes it can', (size) => {
    const head = Buffer.alloc(headSize(size))
    expect(writeHead(head, 0, BINARY_OPCODE, size)).toBe(head.length)
    expect(readHead(head)).toEqual({ first: 0x82, size, end: head.length })
    expect(head.length).toBe(size < 126 ? 2 : size < 65_536 ? 4 : 10)
  })

  test('may begin anywhere, and touches nothing around it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 20 }), fc.nat({ max: 200_000 }), (start, size) => {
        const bytes = Buffer.alloc(start + 20, 0xee)
        const end = writeHead(bytes, start, TEXT_OPCODE, size)
        expect(end).toBe(start + headSize(size))
        expect(readHead(bytes.subarray(start))).toMatchObject({ first: 0x81, size })
        expect([...bytes.subarray(0, start), ...bytes.subarray(end)].every((byte) => byte === 0xee)).toBe(true)
      })
    )
  })
})
