import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Frame } from '../../../src/cluster/frames.js'
import {
  type Envelope,
  envelopeHeadSize,
  readEnvelopeHead,
  writeEnvelopeHead
} from '../../../src/cluster/links/envelope.js'
import { DATA_MAX, frameSize, readFrames, writeFrame } from '../../../src/cluster/links/frame-codec.js'
import { anyFrame } from './frames.js'

function written(head: Envelope, frames: readonly Frame[] = []): Buffer {
  const start = envelopeHeadSize(head.source)
  const bytes = Buffer.alloc(
    frames.reduce((sum, frame) => sum + frameSize(frame), start),
    0xee
  )
  writeEnvelopeHead(bytes, head)
  const end = frames.reduce((offset, frame) => writeFrame(bytes, offset, frame), start)
  expect(end).toBe(bytes.length)
  return bytes
}

/** Returns the envelope and its frames; undefined if it is malformed. */
function read(bytes: Buffer): { head: Envelope; frames: Frame[] } | undefined {
  const head = readEnvelopeHead(bytes)
  if (typeof head === 'string') return undefined
  const frames = readFrames(bytes, envelopeHeadSize(head.source))
  return frames && { head, frames }
}

const HEAD: Envelope = { type: 'frames', source: 'node-1', from: 7, to: 0, sequence: 1, acknowledged: 0 }
const PROBED: Frame = { type: 'probed', id: 1, isAlive: true }

const source = fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/)
const number = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const anyEnvelope = fc
  .record({
    type: fc.constantFrom('frames' as const, 'ack' as const, 'nack' as const, 'probe' as const, 'bye' as const),
    source,
    from: number,
    to: number,
    sequence: number,
    acknowledged: fc.maxSafeNat()
  })
  .chain((head) =>
    fc.record({
      head: fc.constant(head),
      frames: fc.array(anyFrame, {
        minLength: head.type === 'frames' ? 1 : 0,
        maxLength: head.type === 'frames' ? 8 : 0
      })
    })
  )

describe('an envelope', () => {
  test('is read back equal', () => {
    fc.assert(
      fc.property(anyEnvelope, ({ head, frames }) => {
        expect(read(written(head, frames))).toEqual({ head, frames })
      })
    )
  })

  test('a changed one is refused, or equals the encoding of another envelope', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }) })
    const cut = fc.option(fc.nat({ max: 400 }), { nil: undefined })
    fc.assert(
      fc.property(anyEnvelope, fc.array(change, { maxLength: 4 }), cut, ({ head, frames }, changes, cut) => {
        const bytes = written(head, frames)
        for (const { at, byte } of changes) bytes[at % bytes.length] = byte
        const rest = bytes.subarray(0, cut)
        const another = read(rest)
        if (another !== undefined) expect(written(another.head, another.frames).equals(rest)).toBe(true)
      }),
      { numRuns: 2_000 }
    )
  })

  test('arbitrary bytes are refused, or are one', () => {
    const beginning = written(HEAD)
    const any = fc.uint8Array({ maxLength: 120 })
    fc.assert(
      fc.property(any, fc.nat({ max: beginning.length }), (tail, kept) => {
        const bytes = Buffer.concat([beginning.subarray(0, kept), tail])
        const envelope = read(bytes)
        if (envelope !== undefined) expect(written(envelope.head, envelope.frames).equals(bytes)).toBe(true)
      }),
      { numRuns: 2_000 }
    )
  })

  test('has chunks that are views of its bytes', () => {
    const bytes = written(HEAD, [{ type: 'data', channel: 1, isOpener: false, bytes: Buffer.from('chunk') }])
    const [frame] = read(bytes)?.frames ?? []
    expect(frame).toMatchObject({ type: 'data', bytes: Buffer.from('chunk') })
    bytes.fill('x', bytes.length - 5)
    expect(frame).toMatchObject({ bytes: Buffer.from('xxxxx') })
  })

  test.each([
    ['nothing', Buffer.alloc(0), 'version'],
    ['a text', Buffer.from('hello'), 'version'],
    ['another version', Buffer.from([0xc7, 1, 0, 1]), 'version'],
    ['no more than a version', Buffer.from([0xc7, 2]), 'malformed'],
    ['a type that there is not', written(HEAD, [PROBED]).fill(6, 2, 3), 'malformed'],
    ['no source', written({ ...HEAD, source: '' }, [PROBED]), 'source'],
    ['a source with a space', written({ ...HEAD, source: 'a b' }, [PROBED]), 'source'],
    ['a source of 65 characters', written({ ...HEAD, source: 'a'.repeat(65) }, [PROBED]), 'source'],
    ['frames without a frame', written(HEAD), 'malformed'],
    ['frames in an acknowledgement', written({ ...HEAD, type: 'ack', to: 1 }, [PROBED]), 'malformed'],
    ['frames without a number', written({ ...HEAD, sequence: 0 }, [PROBED]), 'malformed'],
    ['a link without a number', written({ ...HEAD, from: 0 }, [PROBED]), 'malformed'],
    ['an acknowledgement to nobody', written({ ...HEAD, type: 'ack' }), 'malformed'],
    ['acknowledged before it has heard of anybody', written({ ...HEAD, acknowledged: 1 }, [PROBED]), 'malformed'],
    ['a reset of a link', written({ ...HEAD, type: 'reset', to: 1, sequence: 0 }), 'malformed'],
    ['a number too large to be exact', written({ ...HEAD, sequence: 2 ** 53 }, [PROBED]), 'malformed']
  ])('of %s is refused', (_, bytes, refusal) => {
    expect(readEnvelopeHead(bytes)).toBe(refusal)
  })
})

describe('frames', () => {
  const address = `/${'a'.repeat(1023)}`
  const REST = { isExtended: true, network: undefined }

  test.each<[string, Frame]>([
    ['a channel', { type: 'data', channel: 2 ** 32, isOpener: true, bytes: Buffer.alloc(1) }],
    ['a channel that is none', { type: 'end', channel: -1, isOpener: true, half: 'sent', reason: true }],
    ['a dial id', { type: 'open', channel: 1, dialId: 'a'.repeat(129), from: '/a', to: '/b', ...REST }],
    ['a dial id that is none', { type: 'open', channel: 1, dialId: 'a b', from: '/a', to: '/b', ...REST }],
    ['an address', { type: 'open', channel: 1, dialId: 'a', from: '/a', to: `${address}a`, ...REST }],
    ['no address', { type: 'open', channel: 1, dialId: 'a', from: '', to: '/b', ...REST }],
    ['no network', { type: 'open', channel: 1, dialId: 'a', from: '/a', to: '/b', isExtended: true, network: '' }],
    ['a window', { type: 'accept', channel: 1, isOpener: true, window: 2 ** 53 }],
    ['a credit', { type: 'credit', channel: 1, isOpener: true, bytes: 0.5 }],
    ['a grant', { type: 'grant', channel: 1, isOpener: true, bytes: Number.NaN }],
    ['a key', { type: 'probe', id: 1, key: `${address}a` }],
    ['an id', { type: 'probed', id: -1, isAlive: true }]
  ])('with %s out of bounds are not written', (_, frame) => {
    expect(() => frameSize(frame)).toThrow(RangeError)
  })

  test('with a chunk that is too large are not written, and the largest is read back equal', () => {
    const chunk = (size: number): Frame => ({ type: 'data', channel: 1, isOpener: true, bytes: Buffer.alloc(size, 3) })
    expect(() => frameSize(chunk(DATA_MAX + 1))).toThrow(RangeError)
    const [frame] = read(written(HEAD, [chunk(DATA_MAX)]))?.frames ?? []
    const tooLarge = Buffer.alloc(DATA_MAX + 10)
    tooLarge.set([0x84, 0, 0, 0, 1, 1, 0, 0, 1])
    expect(readFrames(tooLarge, 0)).toBeUndefined()
    expect(frame?.type === 'data' && frame.bytes.equals(Buffer.alloc(DATA_MAX, 3))).toBe(true)
  })

  test('of the largest and smallest sizes are read back equal', () => {
    const frames: Frame[] = [
      { type: 'data', channel: 0, isOpener: false, bytes: Buffer.alloc(0) },
      {
        type: 'open',
        channel: 1,
        dialId: 'a'.repeat(128),
        from: address,
        to: `/${'€'.repeat(1023)}`,
        isExtended: true,
        network: '2001:db8:0:0'
      },
      { type: 'credit', channel: 1, isOpener: true, bytes: Number.MAX_SAFE_INTEGER }
    ]
    expect(read(written(HEAD, frames))?.frames).toEqual(frames)
  })

  test.each([
    ['a long one', 'x'.repeat(1000), 'x'.repeat(256)],
    ['one whose last character does not fit', `${'x'.repeat(255)}🦊`, 'x'.repeat(255)],
    ['one with half a character', 'a\ud83eb', 'a\ufffdb']
  ])('reasons are cut to the length on the wire to clients: %s', (_, reason, told) => {
    const frames: Frame[] = [
      { type: 'end', channel: 1, isOpener: true, half: 'received', reason },
      { type: 'opened', channel: 1, isExtended: false, error: reason }
    ]
    expect(read(written(HEAD, frames))?.frames).toMatchObject([{ reason: told }, { error: told }])
  })

  test.each([
    ['a type that there is not', [0x0a, 0, 0, 0, 1]],
    ['no type', [0]],
    ['a flag that its type has not', [0x25, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]],
    ['too few bytes of a channel', [0x84, 0, 0, 0]],
    ['a chunk longer than there are bytes', [0x84, 0, 0, 0, 1, 0, 0, 0, 2, 9]],
    ['a chunk longer than allowed', [0x84, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 9]],
    ['a number too large to be exact', [0x05, 0, 0, 0, 1, 0, 0x20, 0, 0, 0, 0, 0, 0]],
    ['a text that is no UTF-8', [0x42, 0, 0, 0, 1, 0, 1, 0xff]],
    ['a text longer than there are bytes', [0x42, 0, 0, 0, 1, 0, 3, 0x61, 0x61]],
    ['a reason longer than allowed', [0x42, 0, 0, 0, 1, 1, 1, ...Buffer.alloc(257, 'x')]],
    ['an empty dial id', [0x01, 0, 0, 0, 1, 0, 0, 0, 1, 0x2f, 0, 1, 0x2f]],
    ['a dial id with a space', [0x01, 0, 0, 0, 1, 0, 3, 0x61, 0x20, 0x62, 0, 1, 0x2f, 0, 1, 0x2f]],
    ['a byte behind the last frame', [0x89, 0, 0, 0, 0, 0, 0, 0, 1, 0]]
  ])('with %s are refused', (_, bytes) => {
    expect(readFrames(Buffer.from(bytes), 0)).toBeUndefined()
  })
})
