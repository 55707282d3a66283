import { randomBytes } from 'node:crypto'
import { FrameReader, TEXT, type FrameHandler } from '@websocket-star/testkit'
import { expect, test } from 'vitest'

/** A frame as a server sends it. */
function serverFrame(opcode: number, payload: Buffer): Buffer {
  const { length } = payload
  const head = Buffer.of(0x80 | opcode, length < 126 ? length : length < 65_536 ? 126 : 127)
  const size = Buffer.alloc(length < 126 ? 0 : length < 65_536 ? 2 : 8)
  if (size.length === 2) size.writeUInt16BE(length)
  if (size.length === 8) size.writeUInt32BE(length, 4)
  return Buffer.concat([head, size, payload])
}

test.for([1, 2, 3, 7, 127, 65_537, 1 << 20])(
  'frames are whole and in order when they come in pieces of %i bytes',
  (size) => {
    const payloads = [0, 1, 125, 126, 300, 65_535, 65_536, 0, 100_000, 3].map((length) => randomBytes(length))
    const bytes = Buffer.concat(payloads.map((payload) => serverFrame(TEXT, payload)))
    const found: Buffer[] = []
    const take: FrameHandler = (opcode, bytes, start, end) => {
      expect(opcode).toBe(TEXT)
      found.push(Buffer.from(bytes.subarray(start, end)))
    }
    // Some of the frames fit into the spare buffer, others do not.
    const reader = new FrameReader(take, Buffer.alloc(1000))
    // Read into the same buffer over and over, as sockets are.
    const read = Buffer.alloc(size)
    for (let at = 0; at < bytes.length; at += size) reader.push(read.subarray(0, bytes.copy(read, 0, at, at + size)))
    expect(found.map((frame) => frame.toString('hex'))).toEqual(payloads.map((payload) => payload.toString('hex')))
  }
)

test('what no server may send is refused', () => {
  const reader = new FrameReader(() => {})
  expect(() => reader.push(Buffer.of(0x01, 0))).toThrow('fragment')
  expect(() => reader.push(Buffer.of(0x81, 0x80))).toThrow('masked')
})
