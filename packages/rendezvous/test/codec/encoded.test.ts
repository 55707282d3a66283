import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EncodedTexts, type Encoded } from '../../src/codec/encoded.js'

/** Reads whole, unmasked text messages (RFC 6455, section 5.2) from their bytes alone. */
function read(bytes: Buffer): string[] {
  const texts: string[] = []
  for (let at = 0; at < bytes.length;) {
    // Final, text, not compressed; then the length without a mask.
    expect(bytes[at]).toBe(0x81)
    let size = bytes.readUInt8(at + 1)
    at += 2
    if (size === 126) {
      size = bytes.readUInt16BE(at)
      expect(size).toBeGreaterThan(125)
      at += 2
    } else if (size === 127) {
      size = Number(bytes.readBigUInt64BE(at))
      expect(size).toBeGreaterThan(65_535)
      at += 8
    }
    expect(at + size).toBeLessThanOrEqual(bytes.length)
    texts.push(bytes.toString('utf8', at, at + size))
    at += size
  }
  return texts
}

/** Returns the texts that a WebSocket client receives, without engine.io's prefix, which is checked. */
function received({ frames }: Encoded): string[] {
  return read(Buffer.concat(frames)).map((message) => {
    expect(message[0]).toBe('4')
    return message.slice(1)
  })
}

/** Sizes around the limits of a header's 7, 16 and 64 bits. */
const edges = [0, 1, 123, 124, 125, 126, 127, 65_533, 65_534, 65_535, 65_536].map((size) => 'x'.repeat(size))

describe('texts that are encoded once', () => {
  test.each(edges.map((text) => [text.length, text]))('one of %i bytes', (_, text) => {
    const encoded = new EncodedTexts([text])
    expect(received(encoded)).toEqual([text])
    expect(encoded.texts).toEqual([text])
    expect(encoded.size).toBe(Buffer.concat(encoded.frames).length)
  })

  test('several are consecutive in one buffer', () => {
    const encoded = new EncodedTexts(edges)
    expect(encoded.frames).toHaveLength(1)
    expect(received(encoded)).toEqual(edges)
  })

  test('sizes count bytes, not characters', () => {
    // 42 letters of three bytes need a header of four bytes; 42 bytes would need two.
    const texts = ['2["ws-peer","/dns4/größe.example"]', '漢'.repeat(42), '🌟', 'ascii']
    expect(received(new EncodedTexts(texts))).toEqual(texts)
  })

  test('no texts are no bytes', () => {
    const encoded = new EncodedTexts([])
    expect([encoded.size, encoded.texts, received(encoded)]).toEqual([0, [], []])
  })

  test.each(edges.map((_, index) => index))('all but number %i', (index) => {
    const encoded = new EncodedTexts(edges)
    const rest = encoded.without(index)
    const expected = edges.filter((_, other) => other !== index)
    expect(received(rest)).toEqual(expected)
    expect(rest.texts).toEqual(expected)
    // Nothing is copied, and the frames for all others are unchanged.
    for (const frame of rest.frames) expect(frame.buffer).toBe(encoded.frames[0].buffer)
    expect(received(encoded)).toEqual(edges)
  })

  test('all but the only one', () => {
    const rest = new EncodedTexts(['alone']).without(0)
    expect([rest.texts, received(rest)]).toEqual([[], []])
  })

  test('any texts', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', maxLength: 200 }), { minLength: 1, maxLength: 20 })
    fc.assert(
      fc.property(texts, fc.nat(), (texts, number) => {
        const encoded = new EncodedTexts(texts)
        const index = number % texts.length
        expect(received(encoded)).toEqual(texts)
        expect(received(encoded.without(index))).toEqual(texts.filter((_, other) => other !== index))
      })
    )
  })
})
