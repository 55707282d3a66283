import { InvalidOptionsError } from '@websocket-star/protocol'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Attachments } from '../src/attachments.js'
import { resolveCodec, encodeValue, sizeOf, type Codec } from '../src/codec.js'
import { CodecError } from '../src/errors.js'
import { FakeSocket } from './fake-socket.js'

const buffer = resolveCodec('buffer') as Codec<Uint8Array>
const hex = resolveCodec('hex') as Codec<Uint8Array>
const plain = resolveCodec('plain') as Codec<unknown>

/** What the other side has after socket.io was in between: text and JSON, and binary as Node or a browser gets it. */
function carried(wire: unknown, binary: (bytes: Uint8Array) => unknown): unknown {
  if (wire instanceof Uint8Array) return binary(wire)
  if (Array.isArray(wire)) return wire.map((item: unknown) => carried(item, binary))
  if (typeof wire === 'object' && wire !== null) {
    return Object.fromEntries(Object.entries(wire).map(([key, value]) => [key, carried(value, binary)]))
  }
  return wire === undefined ? wire : (JSON.parse(JSON.stringify(wire)) as unknown)
}

const attachments = new Attachments(new FakeSocket())

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes)
const asArrayBuffer = (bytes: Uint8Array): ArrayBuffer => bytes.slice().buffer

describe('the codec buffer', () => {
  test('takes bytes in any form, and gives them back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(buffer.decode(buffer.encode(bytes))).toEqual(bytes)
        expect(Uint8Array.from(buffer.decode(asBuffer(bytes)))).toEqual(bytes)
        expect(buffer.decode(asArrayBuffer(bytes))).toEqual(bytes)
      })
    )
    expect(buffer.decode(new DataView(Uint8Array.of(0, 1, 2, 3).buffer, 1, 2))).toEqual(Uint8Array.of(1, 2))
    expect(buffer.decode(Uint16Array.of(0x0201).subarray(0))).toEqual(Uint8Array.of(1, 2))
  })

  test.each([null, undefined, false, 'text', 7, [1, 2], { type: 'Buffer', data: [1] }, { length: 3 }, () => 1])(
    'does not make bytes of %s',
    (value) => {
      expect(() => buffer.decode(value)).toThrow(TypeError)
    }
  )
})

describe('the codec hex', () => {
  test('says bytes in text, and reads either case', () => {
    expect(hex.encode(Uint8Array.of(0, 1, 0xab, 0xff))).toBe('0001abff')
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(hex.encode(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(hex.decode(String(hex.encode(bytes)).toUpperCase())).toEqual(bytes)
      })
    )
  })

  test.each([null, undefined, 7, 'abc', '0g', ' 00', '00\n', new Uint8Array(2)])('does not read %s', (value) => {
    expect(() => hex.decode(value)).toThrow(TypeError)
  })
})

describe('the codec plain', () => {
  test.each([0, '', true, 'text', 1.5, [], {}, [null], { a: undefined }])('leaves %o as it is', (value) => {
    expect(plain.encode(value)).toBe(value)
    expect(plain.decode(value)).toBe(value)
  })

  test('gives bytes where a browser got an ArrayBuffer', () => {
    expect(plain.decode(asArrayBuffer(Uint8Array.of(1, 2)))).toEqual(Uint8Array.of(1, 2))
  })

  test.each([null, undefined, false, () => 1])('takes %s for no value', (value) => {
    expect(() => plain.decode(value)).toThrow(TypeError)
  })
})

describe('codecs', () => {
  test('may be objects of your own', () => {
    const own: Codec<Date> = { encode: (date) => date.getTime(), decode: (wire) => new Date(Number(wire)) }
    expect(resolveCodec(own)).toBe(own)
  })

  test('are plain unless told', () => {
    expect(resolveCodec(undefined)).toBe(plain)
  })

  test.each(['base64', '', 'constructor', 'toString', '__proto__'])('of the name %s there are none', (name) => {
    expect(() => resolveCodec(name as 'plain')).toThrow(InvalidOptionsError)
  })
})

describe('encoding', () => {
  test.each([null, undefined, false, () => 1])('refuses %s', (value) => {
    const error = errorOf(() => encodeValue(plain, 'id', value, attachments))
    expect(error).toBeInstanceOf(CodecError)
    expect(error).toMatchObject({ code: 'ERR_STREAM_CODEC', stream: 'id' })
  })

  test('refuses them from codecs too', () => {
    const codec: Codec<string> = { encode: () => null, decode: String }
    expect(() => encodeValue(codec, 'id', 'text', attachments)).toThrow(CodecError)
  })

  test('says what the codec threw', () => {
    const cause = new Error('cannot')
    const codec: Codec<string> = {
      encode() {
        throw cause
      },
      decode: String
    }
    expect(errorOf(() => encodeValue(codec, 'id', 'text', attachments))).toMatchObject({
      code: 'ERR_STREAM_CODEC',
      cause
    })
  })

  const loop: unknown[] = []
  loop.push(loop)
  let deep: unknown = []
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]

  test.each([
    ['a BigInt', 1n],
    ['what holds itself', loop],
    ['what is nested without end', deep]
  ])('refuses %s', (_name, value) => {
    expect(() => encodeValue(plain, 'id', value, attachments)).toThrow(CodecError)
  })

  test('gives what is sent, and its size', () => {
    expect(encodeValue(hex, 'id', Uint8Array.of(255), attachments)).toEqual({ wire: 'ff', size: 2 })
    expect(encodeValue(buffer, 'id', Uint8Array.of(255), attachments)).toEqual({ wire: Uint8Array.of(255), size: 1 })
  })
})

describe('the size of a value', () => {
  test.each([
    ['', 0],
    ['häß', 3],
    [new Uint8Array(5), 5],
    [new ArrayBuffer(6), 6],
    [Buffer.alloc(7), 7],
    [new DataView(new ArrayBuffer(8), 1), 7],
    [true, 4],
    [12, 2],
    [{ a: [1, 'x'] }, 13],
    [undefined, 0],
    [() => 1, 0],
    // [0] and the bytes
    [[Buffer.alloc(100)], 103],
    [{ a: new ArrayBuffer(10) }, 7 + 10],
    [new Blob(['häß']), 5],
    [{ a: new File(['abc'], 'a.txt') }, 7 + 3]
  ])('of %o is %i', (value, size) => {
    expect(sizeOf(value)).toBe(size)
  })

  test('is the same at both sides, or their windows would drift apart', () => {
    const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: 'small' },
        fc.uint8Array(),
        fc.string({ unit: 'binary' }),
        fc.jsonValue(),
        fc.double(),
        fc.date({ noInvalidDate: true }).map((date) => date.toJSON()),
        fc.array(tie('value'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true })
      )
    })).value
    fc.assert(
      fc.property(value, (sent) => {
        expect(sizeOf(carried(sent, asBuffer))).toBe(sizeOf(sent))
        expect(sizeOf(carried(sent, asArrayBuffer))).toBe(sizeOf(sent))
      })
    )
  })
})

function errorOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown')
}
