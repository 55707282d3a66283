import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Attachments } from '../src/attachments.js'
import { toWireValue } from '../src/wire-value.js'
import { FakeSocket } from './fake-socket.js'

const attachments = new Attachments(new FakeSocket())

function wireOf(value: unknown): unknown {
  return toWireValue(value, attachments).wire
}

describe('a value', () => {
  test('of JSON stays the same object', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(toWireValue(value, attachments)).toEqual({ wire: value, hasBinary: false })
        expect(wireOf(value)).toBe(value)
      })
    )
  })

  test.each([
    ['a typed array', [new Uint8Array([1, 2])], [Buffer.from([1, 2])]],
    ['a part of one', { part: new Uint8Array([1, 2, 3]).subarray(1) }, { part: Buffer.from([2, 3]) }],
    ['floats', [new Float32Array([1])], [Buffer.from([0, 0, 0x80, 0x3f])]],
    ['a view', { view: new DataView(new Uint8Array([1, 2]).buffer, 1) }, { view: Buffer.from([2]) }],
    ['a buffer', { deep: [{ buffer: new Uint8Array([1]).buffer }] }, { deep: [{ buffer: Buffer.from([1]) }] }],
    ['a Buffer', [Buffer.from([1])], [Buffer.from([1])]],
    ['shared memory in a view', [new Uint8Array(new SharedArrayBuffer(1))], [Buffer.from([0])]]
  ])('with %s has Buffers, which version 2 attaches', (_name, value, expected) => {
    const { wire, hasBinary } = toWireValue(value, attachments)
    expect(wire).toEqual(expected)
    expect(hasBinary).toBe(true)
  })

  test('that is all bytes is bytes', () => {
    for (const value of [new Uint8Array([1]), new Uint8Array([1]).buffer, new DataView(new Uint8Array([1]).buffer)]) {
      expect(wireOf(value)).toEqual(new Uint8Array([1]))
    }
  })

  test('has what toJSON returns, called once, with the key', () => {
    const asked: unknown[] = []
    const own = {
      toJSON(key: unknown) {
        asked.push(key)
        return { again: 1, toJSON: () => 'twice' }
      }
    }
    const wire = wireOf({ of: own, bytes: new Uint8Array([1]), when: new Date(0) }) as { of: object }
    expect(wire).toEqual({ of: { again: 1 }, bytes: Buffer.from([1]), when: '1970-01-01T00:00:00.000Z' })
    expect(asked).toEqual(['of'])
  })

  test('is not changed', () => {
    const value = { bytes: new Uint8Array([1]), list: [new Date(0)] }
    wireOf(value)
    expect(value).toEqual({ bytes: new Uint8Array([1]), list: [new Date(0)] })
  })

  test('may have a field of the name __proto__', () => {
    const value = JSON.parse('{"__proto__": 1, "when": 0}') as { when: unknown }
    value.when = new Date(0)
    expect(JSON.stringify(wireOf(value))).toBe('{"__proto__":1,"when":"1970-01-01T00:00:00.000Z"}')
  })

  test('may hold one object twice, objects without fields, and those of other realms', () => {
    const twice = { a: 1 }
    const value = [twice, twice, {}, [], Object.create(null), runInNewContext('({})'), { gone: undefined }]
    expect(wireOf(value)).toBe(value)
  })

  test('may have the mark of an attachment, but not beside one', () => {
    expect(wireOf({ _placeholder: true, num: 0 })).toEqual({ _placeholder: true, num: 0 })
    expect(() => wireOf([{ _placeholder: true, num: 0 }, new Uint8Array(1)])).toThrow(/_placeholder is reserved/)
  })
})

const loop: unknown[] = []
loop.push({ loop })

describe('the receiver would get something else for', () => {
  test.each<[string, unknown, string]>([
    ['a File', new File(['hello'], 'a.txt'), 'a File in x.y.0 is neither JSON nor binary'],
    ['a Blob', new Blob(['hello']), 'new Uint8Array(await blob.arrayBuffer())'],
    ['a symbol', Symbol('a'), 'a symbol in x.y.0'],
    ['a function', () => 1, 'a function in x.y.0'],
    ['shared memory', new SharedArrayBuffer(8), 'a SharedArrayBuffer in x.y.0'],
    ['what holds itself', loop, 'a reference to an object that contains it in x.y.0.0.loop'],
    ['a BigInt', 1n, 'a BigInt in x.y.0'],
    ['no number', Number.NaN, 'NaN in x.y.0'],
    ['an infinite number', Number.POSITIVE_INFINITY, 'Infinity in x.y.0'],
    ['a Map', new Map([[1, 2]]), 'a Map in x.y.0'],
    ['a Set', new Set([1]), 'a Set in x.y.0'],
    ['a promise', Promise.resolve(1), 'a Promise in x.y.0'],
    ['an error', new Error('text'), 'an Error in x.y.0']
  ])('%s, so it is refused', (_name, value, message) => {
    expect(() => wireOf({ x: { y: [value] } })).toThrow(message)
    expect(() => wireOf(value)).toThrow(TypeError)
  })

  test('a getter that throws, which says why', () => {
    const value = {
      get broken() {
        throw new Error('the file is closed')
      }
    }
    expect(() => wireOf([value])).toThrow('the file is closed')
  })
})
