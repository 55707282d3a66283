import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { excerpt, kindOf, quoted } from '../src/excerpt.js'

test('a short text stays whole, a long one is cut', () => {
  expect(excerpt('abc', 3)).toBe('abc')
  expect(excerpt('abcd', 3)).toBe('abc')
})

test('a surrogate pair is never split', () => {
  expect(excerpt('ab😀', 3)).toBe('ab')
  expect(excerpt('ab😀', 4)).toBe('ab😀')
  expect(excerpt('ab😀c', 4)).toBe('ab😀')
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 10 }), (text, max) => {
      const cut = excerpt(text, max)
      expect(text.startsWith(cut)).toBe(true)
      expect(cut.length).toBeLessThanOrEqual(max)
      expect(cut.length).toBeGreaterThanOrEqual(Math.min(max, text.length) - 1)
      expect(encodeURIComponent(cut)).toBeTypeOf('string') // throws on half a pair
    })
  )
})

test('a quoted text is one short line', () => {
  expect(quoted('a"b\nc')).toBe(String.raw`"a\"b\nc"`)
  expect(quoted('x'.repeat(81))).toBe(`"${'x'.repeat(80)}"…`)
  expect(quoted('xyz', 2)).toBe('"xy"…')
})

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  [[], 'an array'],
  [{}, 'an object'],
  ['x', 'a string'],
  [5, 'a number'],
  [true, 'a boolean']
])('the kind of %j is %s', (value, kind) => {
  expect(kindOf(value)).toBe(kind)
})
