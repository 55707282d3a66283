import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Bytes, Fifo, JoinedChunks, Messages } from '../src/chunks.js'

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
        const bytes = new Bytes()
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
    const bytes = new Bytes()
    const piece = Uint8Array.of(1, 2, 3, 4)
    bytes.push(piece)
    expect(bytes.take(3)?.wire.buffer).toBe(piece.buffer)
    bytes.push(Uint8Array.of(5))
    expect(bytes.take(1)?.wire.buffer).toBe(piece.buffer)
  })

  test('leave what was pushed as it was', () => {
    const pieces = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]
    const bytes = new Bytes()
    for (const piece of pieces) bytes.push(piece)
    expect(bytes.take(4)?.wire).toEqual(Uint8Array.of(1, 2, 3, 4))
    expect(pieces).toEqual([Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)])
  })

  test('of a part of a buffer are that part', () => {
    const whole = Uint8Array.of(0, 1, 2, 3, 4, 5)
    const bytes = new Bytes()
    bytes.push(whole.subarray(2, 5))
    expect([...(bytes.take(2)?.wire ?? [])]).toEqual([2, 3])
    expect([...(bytes.take(2)?.wire ?? [])]).toEqual([4])
  })
})

describe('messages', () => {
  test('come out one by one, of any size', () => {
    const messages = new Messages()
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
    const messages = new Messages()
    messages.push('', 0)
    expect(messages.isEmpty).toBe(false)
  })

  test('can be given up', () => {
    const messages = new Messages()
    messages.push('a', 1)
    messages.clear()
    expect(messages.size).toBe(0)
    expect(messages.take()).toBeUndefined()
  })
})

describe('joined chunks', () => {
  test('are those that were added, up to 64 KiB', () => {
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.nat({ max: 30_000 }).map((size) => new Uint8Array(size))
    )
    fc.assert(
      fc.property(fc.array(chunk, { minLength: 1 }), ([first = new Uint8Array(), ...others]) => {
        const joined = new JoinedChunks(first)
        let model = Buffer.from(first)
        for (const chunk of others) {
          const fits = model.length + chunk.length <= 65_536
          expect(joined.add(chunk)).toBe(fits)
          if (fits) model = Buffer.concat([model, chunk])
          expect(joined.size).toBe(model.length)
          expect(model.equals(joined.value)).toBe(true)
        }
      })
    )
  })

  test('are copies, which keep nothing else alive', () => {
    const chunk = Uint8Array.of(1, 2, 3)
    const joined = new JoinedChunks(chunk)
    chunk[0] = 9
    expect([...joined.value]).toEqual([1, 2, 3])
  })
})

describe('a fifo', () => {
  test('is an array that is shifted', () => {
    const action = fc.oneof(
      { weight: 6, arbitrary: fc.integer().map((value) => ({ push: value })) },
      { weight: 5, arbitrary: fc.constantFrom('shift' as const, 'first' as const) },
      { weight: 1, arbitrary: fc.constant('clear' as const) }
    )
    fc.assert(
      fc.property(fc.array(action, { size: '+1' }), (actions) => {
        const fifo = new Fifo<number>()
        let model: number[] = []
        for (const what of actions) {
          if (what === 'shift') expect(fifo.shift()).toBe(model.shift())
          else if (what === 'first') expect(fifo.first).toBe(model[0])
          else if (what === 'clear') {
            fifo.clear()
            model = []
          } else {
            fifo.push(what.push)
            model.push(what.push)
          }
          expect(fifo.isEmpty).toBe(model.length === 0)
          expect(fifo.size).toBe(model.length)
        }
      })
    )
  })

  test('stays in order through tens of thousands, and never has them all', () => {
    const fifo = new Fifo<number>()
    let [pushed, shifted] = [0, 0]
    for (let round = 0; round < 2000; round++) {
      for (let more = 0; more < 30; more++) fifo.push(pushed++)
      for (let less = 0; less < 29; less++) if (fifo.shift() !== shifted++) throw new Error(`Lost ${shifted - 1}`)
    }
    expect(fifo.first).toBe(shifted)
    while (!fifo.isEmpty) if (fifo.shift() !== shifted++) throw new Error(`Lost ${shifted - 1}`)
    expect(shifted).toBe(pushed)
  })

  test('has a first that can be replaced', () => {
    const fifo = new Fifo<string>()
    fifo.push('a')
    fifo.push('b')
    fifo.shift()
    fifo.first = 'c'
    expect([fifo.shift(), fifo.isEmpty]).toEqual(['c', true])
  })
})
