import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ChunkBuffer } from '../src/chunk-buffer.js'

describe('a chunk buffer', () => {
  test('holds the chunks that were added, up to 64 KiB', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat({ max: 30_000 }).map((size) => new Uint8Array(size))
    )
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1 }), ([first = new Uint8Array(), ...others]) => {
        const buffer = new ChunkBuffer(first)
        let model = Buffer.from(first)
        for (const chunk of others) {
          const fits = model.length + chunk.length <= 65_536
          expect(buffer.add(chunk)).toBe(fits)
          if (fits) model = Buffer.concat([model, chunk])
          expect(buffer.size).toBe(model.length)
          expect(model.equals(buffer.value)).toBe(true)
        }
      })
    )
  })

  test('copies chunks, and retains nothing else', () => {
    const chunk = Uint8Array.of(1, 2, 3)
    const buffer = new ChunkBuffer(chunk)
    chunk[0] = 9
    expect([...buffer.value]).toEqual([1, 2, 3])
  })
})
