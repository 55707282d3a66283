import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameScanner } from '../../src/codec/frame-scanner.js'

const [CONTINUATION, TEXT, BINARY, PING] = [0, 1, 2, 9]

/** Returns a frame of a client, masked with zeros. */
function frame(opcode: number, size: number, isFinal = true): Buffer {
  const length = size < 126 ? [size] : size < 65_536 ? [126, size >> 8, size & 255] : undefined
  const head = Buffer.from([
    (isFinal ? 128 : 0) | opcode,
    ...(length ?? [127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 255, size & 255])
  ])
  head[1]! |= 128
  return Buffer.concat([head, Buffer.alloc(4 + size)])
}

/** Scans bytes that arrive in pieces, and returns the start and end of each scan. */
function scanAll(scanner: FrameScanner, pieces: readonly Buffer[], maxUnits = Number.POSITIVE_INFINITY): Buffer[] {
  const passed: Buffer[] = []
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const end = scanner.scan(piece, at, maxUnits)
      expect(end).toBeGreaterThan(at)
      passed.push(piece.subarray(at, end))
      at = end
    }
  }
  return passed
}

describe('scans', () => {
  test('end at frame boundaries once they have enough work', () => {
    const frames = [
      frame(PING, 0),
      frame(PING, 5),
      frame(BINARY, 300),
      frame(TEXT, 70_000),
      frame(BINARY, 1),
      frame(PING, 0)
    ]
    const passed = scanAll(new FrameScanner(), [Buffer.concat(frames)], 1)
    expect(passed.map(({ length }) => length)).toEqual(frames.map(({ length }) => length))
  })

  test('count control frames', () => {
    const scanner = new FrameScanner()
    scanner.scan(Buffer.concat([frame(PING, 3), frame(BINARY, 9), frame(PING, 0)]), 0, 100)
    expect(scanner.controls).toBe(2)
  })

  test('do not depend on how the bytes are split', () => {
    const size = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 65_530, max: 65_540 }))
    const frames = fc.array(fc.record({ opcode: fc.constantFrom(TEXT, BINARY, PING), size }), {
      minLength: 1,
      maxLength: 8
    })
    fc.assert(
      fc.property(frames, fc.integer({ min: 1, max: 70_000 }), (list, length) => {
        const bytes = Buffer.concat(list.map(({ opcode, size }) => frame(opcode, opcode === PING ? size % 126 : size)))
        const pieces = Array.from({ length: Math.ceil(bytes.length / length) }, (_, index) =>
          bytes.subarray(index * length, (index + 1) * length)
        )
        const scanner = new FrameScanner()
        let controls = 0
        for (const piece of pieces) {
          for (let at = 0; at < piece.length; controls += scanner.controls) at = scanner.scan(piece, at, 3)
        }
        expect(controls).toBe(list.filter(({ opcode }) => opcode === PING).length)
        expect(scanner.pendingBytes).toBe(0)
      }),
      { numRuns: 200 }
    )
  })
})

describe('the memory of unfinished messages', () => {
  test('is counted per fragment, and freed when the message is complete', () => {
    const scanner = new FrameScanner()
    scanAll(scanner, [frame(BINARY, 100, false)])
    expect(scanner.pendingBytes).toBe(100 + 256)
    scanAll(scanner, [Buffer.concat([frame(CONTINUATION, 50, false), frame(PING, 10)])])
    expect(scanner.pendingBytes).toBe(150 + 512)
    scanAll(scanner, [frame(CONTINUATION, 0)])
    expect(scanner.pendingBytes).toBe(0)
  })

  test('is counted per piece of a frame', () => {
    const scanner = new FrameScanner()
    const bytes = frame(BINARY, 1_000)
    for (let at = 0; at < 500; at++) scanAll(scanner, [bytes.subarray(at, at + 1)])
    expect(scanner.pendingBytes).toBeGreaterThan(480 * 257)
    scanAll(scanner, [bytes.subarray(500)])
    expect(scanner.pendingBytes).toBe(0)
  })

  test('is returned alone, so that it can be copied', () => {
    const frames = [frame(PING, 0), frame(PING, 1), frame(BINARY, 1, false), frame(PING, 2), frame(PING, 3)]
    const passed = scanAll(new FrameScanner(), [Buffer.concat(frames)])
    expect(passed.map(({ length }) => length)).toEqual([13, 7, 17])
  })
})
