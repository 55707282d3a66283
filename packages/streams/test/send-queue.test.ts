import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ByteQueue, MessageQueue } from '../src/send-queue.js'

type Step = { push: Uint8Array } | { take: number } | { clear: true }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ push: fc.uint8Array({ maxLength: 40 }) }) },
  { weight: 5, arbitrary: fc.record({ take: fc.integer({ min: -1, max: 100 }) }) },
  { weight: 1, arbitrary: fc.constant({ clear: true as const }) }
)

describe('bytes', () => {
  test('come out as they went in, whatever was pushed and taken in which pieces', () => {
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const bytes = new ByteQueue()
        let model: number[] = []
        for (const action of steps) {
          if ('push' in action) {
            bytes.push(action.push)
            model.push(...action.push)
          } else if ('take' in action) {
            const expected = model.splice(0, Math.max(0, action.take))
            const chunk = bytes.take(action.take)
            if (expected.length === 0) expect(chunk).toBeUndefined()
            else expect(chunk).toEqual({ wire: Uint8Array.from(expected), size: expected.length })
          } else {
            bytes.clear()
            model = []
          }
          expect(bytes.size).toBe(model.length)
          expect(bytes.isEmpty).toBe(model.length === 0)
        }
      })
    )
  })

  test('are not copied where one piece is enough', () => {
    const bytes = new ByteQueue()
    const piece = Uint8Array.of(1, 2, 3, 4)
    bytes.push(piece)
    expect(bytes.take(3)?.wire.buffer).toBe(piece.buffer)
    bytes.push(Uint8Array.of(5))
    expect(bytes.take(1)?.wire.buffer).toBe(piece.buffer)
  })

  test('leave what was pushed as it was', () => {
    const pieces = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]
    const bytes = new ByteQueue()
    for (const piece of pieces) bytes.push(piece)
    expect(bytes.take(4)?.wire).toEqual(Uint8Array.of(1, 2, 3, 4))
    expect(pieces).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)])
  })

  test('of a part of a buffer are that part', () => {
    const whole = Uint8Array.of(0, 1, 2, 3, 4, 5)
    const bytes = new ByteQueue()
    bytes.push(whole.subarray(2, 5))
    expect([...(bytes.take(2)?.wire ?? [])]).toEqual([2, 3])
    expect([...(bytes.take(2)?.wire ?? [])]).toEqual([4])
  })
})

describe('messages', () => {
  test('come out one by one, of any size', () => {
    const messages = new MessageQueue()
    messages.push('large', 1_000_000)
    messages.push('', 0)
    messages.push({ a: 1 }, 7)
    expect(messages.size).toBe(1_000_007)
    expect(messages.take()).toEqual({ wire: 'large', size: 1_000_000 })
    expect(messages.size).toBe(7)
    expect(messages.isEmpty).toBe(false)
    expect(messages.take()).toEqual({ wire: '', size: 0 })
    expect(messages.take()).toEqual({ wire: { a: 1 }, size: 7 })
    expect(messages.isEmpty).toBe(true)
    expect(messages.take()).toBeUndefined()
    expect(messages.size).toBe(0)
  })

  test('that weigh nothing are there all the same', () => {
    const messages = new MessageQueue()
    messages.push('', 0)
    expect(messages.isEmpty).toBe(false)
  })

  test('can be given up', () => {
    const messages = new MessageQueue()
    messages.push('a', 1)
    messages.clear()
    expect(messages.size).toBe(0)
    expect(messages.take()).toBeUndefined()
  })
})
