import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ackError, endReason } from '../src/reason.js'
import { anything } from './arbitraries.js'

/** Values nested too deeply for recursive code. */
function deep(depth: number, wrap: (inner: unknown) => unknown): unknown {
  let value: unknown = 'x'
  for (let i = 0; i < depth; i++) value = wrap(value)
  return value
}

const DEEP_VALUES = [
  deep(20_000, (inner) => [inner]),
  deep(20_000, (inner) => ({ message: inner })),
  deep(20_000, (inner) => ({ toString: inner, toJSON: inner }))
]

test('the deep values really are too deep to be walked', () => {
  for (const value of DEEP_VALUES) expect(() => JSON.stringify(value)).toThrow(RangeError)
})

describe('why a stream ended', () => {
  test.each([[true], [false], [null], [undefined], [0], [-0], ['']])('%j is the normal end', (value) => {
    expect(endReason(value)).toBe(true)
  })

  test.each([[1], [Number.NaN], [{}], [[]], [{ message: 'x' }], [new Error('x')], [new Uint8Array(3)]])(
    '%j becomes a fixed text',
    (value) => {
      expect(endReason(value)).toBe('stream error')
    }
  )

  test('a text goes on, at most 256 characters of it', () => {
    expect(endReason('gone')).toBe('gone')
    expect(endReason('x'.repeat(256))).toBe('x'.repeat(256))
    expect(endReason('x'.repeat(10_000_000))).toBe('x'.repeat(256))
    expect(endReason(`${'x'.repeat(255)}😀`)).toBe('x'.repeat(255))
  })

  test('depth does not matter', () => {
    for (const value of DEEP_VALUES) expect(endReason(value)).toBe('stream error')
  })

  test('whatever comes in, true or a short text comes out', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const reason = endReason(value)
        if (reason === true) return
        expect(reason).toBeTypeOf('string')
        expect(reason.length).toBeGreaterThan(0)
        expect(reason.length).toBeLessThanOrEqual(256)
        expect(endReason(reason)).toBe(reason)
      })
    )
  })
})

describe('what a callee answered', () => {
  test.each([[undefined], [null], [false], [0], ['']])('%j is success', (value) => {
    expect(ackError(value)).toBeUndefined()
  })

  test.each([[true], [1], [{}], [[]], [['busy']], [{ message: '' }], [{ message: 5 }], [{ error: 'x' }], [() => 1]])(
    '%j is a refusal without a reason',
    (value) => {
      expect(ackError(value)).toBe('Dial refused')
    }
  )

  test('a text, or the message of an object, is the reason, at most 256 characters of it', () => {
    expect(ackError('busy')).toBe('busy')
    expect(ackError({ message: 'busy' })).toBe('busy')
    expect(ackError(new Error('busy'))).toBe('busy')
    expect(ackError('x'.repeat(1000))).toBe('x'.repeat(256))
    expect(ackError({ message: 'x'.repeat(1000) })).toBe('x'.repeat(256))
  })

  test('neither an inherited message nor a getter is asked', () => {
    expect(ackError(Object.create({ message: 'inherited' }))).toBe('Dial refused')
    const trap = {
      get message(): string {
        throw new Error('was asked')
      }
    }
    expect(ackError(trap)).toBe('Dial refused')
  })

  test('depth does not matter', () => {
    for (const value of DEEP_VALUES) expect(ackError(value)).toBe('Dial refused')
  })

  test('whatever comes in, nothing or a short text comes out', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const reason = ackError(value)
        expect(reason === undefined).toBe(!value && !Number.isNaN(value) && typeof value !== 'bigint')
        if (reason === undefined) return
        expect(reason.length).toBeGreaterThan(0)
        expect(reason.length).toBeLessThanOrEqual(256)
      })
    )
  })
})
