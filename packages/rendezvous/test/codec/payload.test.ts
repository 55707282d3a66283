import { describe, expect, test } from 'vitest'
import { cutPayload, type Payload } from '../../src/codec/payload.js'

function cut(payload: Payload, count: number, protocol: 3 | 4): string[] {
  const parts: string[] = []
  for (let at = 0; at < payload.length;) {
    const { part, next } = cutPayload(payload, at, count, protocol)
    parts.push(typeof part === 'string' ? part : part.toString('latin1'))
    at = next
  }
  return parts
}

describe('packets are cut off a payload', () => {
  test('at the separators of revision 4', () => {
    expect(cut('2probe\u001e4hello\u001e3', 1, 4)).toEqual(['2probe', '4hello', '3'])
    expect(cut('2probe\u001e4hello\u001e3', 2, 4)).toEqual(['2probe\u001e4hello', '3'])
    expect(cut('4one', 5, 4)).toEqual(['4one'])
  })

  test('at the lengths of revision 3', () => {
    expect(cut('6:4hello1:22:4:', 1, 3)).toEqual(['6:4hello', '1:2', '2:4:'])
    expect(cut('6:4hello1:22:4:', 2, 3)).toEqual(['6:4hello1:2', '2:4:'])
  })

  test('at the lengths of its binary form', () => {
    const packets = [Buffer.from([0, 1, 2, 255, ...Buffer.from('4hello, world')]), Buffer.from([1, 3, 255, 4, 255, 0])]
    // By its length the first has 12 characters; one more byte would be the next packet's.
    const bytes = Buffer.concat([packets[0]!.subarray(0, 16), packets[1]!])
    expect(cut(bytes, 1, 3).map(({ length }) => length)).toEqual([16, 6])
  })
})

test.each([
  ['nothing before the colon', ':abc', 3],
  ['no number', 'x:abc', 3],
  ['a number below zero', '-5:abc', 3],
  ['more than there is', '99:abc', 3],
  ['no colon', '123456', 3],
  ['a separator at the end', '2\u001e', 4],
  ['nothing but separators', '\u001e\u001e\u001e', 4]
] as const)('what is malformed is handed on, and ends: %s', (_what, payload, protocol) => {
  expect(cut(payload, 1, protocol).join('').replaceAll('\u001e', '')).toBe(payload.replaceAll('\u001e', ''))
})

test('bytes without a complete length are returned whole', () => {
  expect(cut(Buffer.from([1, 2, 3, 4]), 1, 3)).toEqual(['\u0001\u0002\u0003\u0004'])
})
