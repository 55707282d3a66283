import { CREDIT_MAX, WIRE_ERROR_MAX_LENGTH } from '@websocket-star/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readPacket } from '../../src/codec/packet.js'
import {
  acceptText,
  chunkHeader,
  creditText,
  errorText,
  readQueueHeader,
  readStreamEvent,
  readUnreadableEvent,
  type QueueHeader,
  type StreamFrame
} from '../../src/codec/stream-frame.js'

const STREAM = '6b1f2c34-0c5e-4d2b-9d5c-0a3f0a5b7e11.dialer'
const PLACEHOLDER = { _placeholder: true, num: 0 }
const LONGEST_STREAM = `${'a'.repeat(128)}.listener`

const streamName = fc.stringMatching(/^[A-Za-z0-9_~.:-]{1,137}$/)

/** Reads a text that is not a chunk's usual header. */
function readSlowly(text: string): StreamFrame | QueueHeader | undefined {
  const packet = readPacket(text)
  if (packet.type !== 'event') throw new Error(`${text} is no event`)
  return readStreamEvent(packet.name, packet.args, packet.attachments)
}

function headerText(stream: string): string {
  return chunkHeader(stream).text
}

function readUnreadable(text: string): StreamFrame | undefined {
  const packet = readPacket(text)
  if (packet.type !== 'unreadable') throw new Error('The packet was read')
  return readUnreadableEvent(packet)
}

function eventName(kind: string, stream = STREAM): string {
  return `socket.io-pull-stream.${kind}.${stream}`
}

describe('the header of a chunk', () => {
  test('is recognised as every client writes it', () => {
    const text = `51-["socket.io-pull-stream.queue.${STREAM}",{"_placeholder":true,"num":0}]`
    expect(readQueueHeader(text)).toEqual({ kind: 'queue header', stream: STREAM })
  })

  test.each([
    ['the longest name a dial has', LONGEST_STREAM],
    ['every character a dial id may have', 'AZaz09_~.:-.dialer'],
    ['one character', 'a'],
    ['a name that looks like a property of objects', '__proto__']
  ])('is recognised with %s', (_, stream) => {
    expect(readQueueHeader(headerText(stream))).toEqual({ kind: 'queue header', stream })
  })

  test.each([
    ['no name', ''],
    ['a name too long', `${LONGEST_STREAM}a`],
    ['a quote', 'a"b'],
    ['an escape', String.raw`a\u0041`],
    ['a space', 'a b'],
    ['a line break', 'a\n'],
    ['an emoji', '🦊'],
    ['another argument', `a",{"_placeholder":true,"num":0},"b`]
  ])('is not recognised with %s in place of a name', (_, stream) => {
    expect(readQueueHeader(headerText(stream))).toBeUndefined()
  })

  test.each([
    ['keys in another order', `51-["${eventName('queue')}",{"num":0,"_placeholder":true}]`],
    ['spaces', `51-["${eventName('queue')}", {"_placeholder":true,"num":0}]`],
    ['an id', `51-7["${eventName('queue')}",{"_placeholder":true,"num":0}]`],
    ['the main namespace spelled out', `51-/,["${eventName('queue')}",{"_placeholder":true,"num":0}]`],
    ['another placeholder field', `51-["${eventName('queue')}",{"_placeholder":true,"num":0,"a":1}]`],
    [
      'an escaped name',
      `51-["${eventName('queue').replace('queue', String.raw`\u0071ueue`)}",{"_placeholder":true,"num":0}]`
    ]
  ])('with %s it is read the long way', (_, text) => {
    expect(readQueueHeader(text)).toBeUndefined()
    expect(readSlowly(text)).toEqual({ kind: 'queue header', stream: STREAM })
  })

  test('of two attachments is not recognised', () => {
    expect(readQueueHeader(headerText(STREAM).replace('51-', '52-'))).toBeUndefined()
  })

  test('of another kind of event is not recognised', () => {
    expect(readQueueHeader(headerText(STREAM).replace('.queue.', '.error.'))).toBeUndefined()
  })
})

describe('a chunk that is not one binary attachment is none', () => {
  test.each([
    ['a text', ['hello'], 0],
    ['a list of numbers', [[1, 2, 3]], 0],
    ['a length', [{ length: 500_000_000 }], 0],
    ['a buffer as JSON', [{ type: 'Buffer', data: [1] }], 0],
    ['nothing', [], 0],
    ['null', [null], 0],
    ['a placeholder without attachment', [PLACEHOLDER], 0],
    ['an attachment without placeholder', ['hello'], 1],
    ['two attachments', [PLACEHOLDER, { _placeholder: true, num: 1 }], 2],
    ['two attachments and one placeholder', [PLACEHOLDER], 2],
    ['an argument besides the attachment', [PLACEHOLDER, 'more'], 1],
    ['the second attachment of one', [{ _placeholder: true, num: 1 }], 1],
    ['a fraction of an attachment', [{ _placeholder: true, num: 0.5 }], 1],
    ['an attachment numbered by a text', [{ _placeholder: true, num: '0' }], 1],
    ['a placeholder that is none', [{ _placeholder: false, num: 0 }], 1],
    ['an attachment further inside', [[PLACEHOLDER]], 1]
  ])('%s', (_, args, attachments) => {
    expect(readStreamEvent(eventName('queue'), args, attachments)).toEqual({ kind: 'bad chunk', stream: STREAM })
  })
})

describe('other stream events', () => {
  test.each([
    ['an accept of a legacy receiver', 'accept', [], { kind: 'accept', window: undefined }],
    ['an accept with a window', 'accept', [{ window: 262_144 }], { kind: 'accept', window: 262_144 }],
    ['an accept with an empty window', 'accept', [{ window: 0 }], { kind: 'accept', window: 0 }],
    ['an accept with a window no one has', 'accept', [{ window: 2 ** 40 }], { kind: 'accept', window: CREDIT_MAX }],
    ['an accept with nonsense', 'accept', ['window'], { kind: 'accept', window: undefined }],
    ['a credit', 'credit', [1], { kind: 'credit', bytes: 1 }],
    ['the largest credit', 'credit', [CREDIT_MAX], { kind: 'credit', bytes: CREDIT_MAX }],
    ['the normal end', 'error', [true], { kind: 'error', reason: true }],
    ['an end with a reason', 'error', ['gone'], { kind: 'error', reason: 'gone' }],
    ['an end with nothing', 'error', [], { kind: 'error', reason: true }],
    ['an end with null', 'error', [null], { kind: 'error', reason: true }],
    ['an end with false', 'error', [false], { kind: 'error', reason: true }],
    ['an end with an object', 'error', [{ message: 'gone' }], { kind: 'error', reason: 'stream error' }]
  ])('%s', (_, kind, args, frame) => {
    expect(readStreamEvent(eventName(kind), args, 0)).toEqual({ ...frame, stream: STREAM })
  })

  test('the reason of an end is cut', () => {
    const reason = 'x'.repeat(WIRE_ERROR_MAX_LENGTH)
    expect(readStreamEvent(eventName('error'), [`${reason}xxx`], 0)).toMatchObject({ reason })
  })

  test.each([0, -1, 0.5, CREDIT_MAX + 1, '5', null, undefined, true, [5]])('a credit of %j is none', (bytes) => {
    expect(readStreamEvent(eventName('credit'), [bytes], 0)).toBeUndefined()
  })

  test.each([
    'ss-join',
    'queue.a.dialer',
    'socket.io-pull-stream.',
    'socket.io-pull-stream.accept',
    'socket.io-pull-stream.accept.',
    'socket.io-pull-stream.open.a.dialer',
    'socket.io-pull-stream.Accept.a.dialer',
    `socket.io-pull-stream.accept.${LONGEST_STREAM}a`,
    'socket.io-pull-stream.accept.a b',
    'socket.io-pull-stream.accept.a"b',
    'socket.io-pull-stream.accept.🦊'
  ])('%s is none', (name) => {
    expect(readStreamEvent(name, [], 0)).toBeUndefined()
  })
})

describe('a stream event that could not be read', () => {
  const deep = '['.repeat(100) + ']'.repeat(100)

  test.each([
    ['too deep', `2["${eventName('error')}",${deep}]`],
    ['too large', `2["${eventName('error')}","${'x'.repeat(70_000)}"]`],
    ['with an id', `27["${eventName('error')}",${deep}]`],
    ['with an attachment', `51-["${eventName('error')}",${deep}]`],
    ['in the main namespace spelled out', `2/,["${eventName('error')}",${deep}]`]
  ])('an end is one all the same: %s', (_, text) => {
    expect(readUnreadable(text)).toEqual({ kind: 'error', stream: STREAM, reason: 'stream error' })
  })

  test.each([
    ['too deep', `2["${eventName('queue')}",${deep}]`],
    ['too large', `2["${eventName('queue')}","${'x'.repeat(70_000)}"]`],
    ['with an attachment', `51-["${eventName('queue')}",{"_placeholder":true,"num":0},${deep}]`],
    ['with ten of them', `510-["${eventName('queue')}",${deep}]`]
  ])('a chunk is none: %s', (_, text) => {
    expect(readUnreadable(text)).toEqual({ kind: 'bad chunk', stream: STREAM })
  })

  test('with the longest name', () => {
    expect(readUnreadable(`2999999999999999["${eventName('error', LONGEST_STREAM)}",${deep}]`)).toMatchObject({
      stream: LONGEST_STREAM
    })
  })

  test.each([
    ['another stream event', `2["${eventName('accept')}",${deep}]`],
    ['a name too long', `2["${eventName('error', `${LONGEST_STREAM}a`)}",${deep}]`],
    ['a name inside an argument', `2["e",["${eventName('error')}",${deep}]]`],
    ['an acknowledgement', `31["${eventName('error')}",${deep}]`]
  ])('%s is none', (_, text) => {
    expect(readUnreadable(text)).toBeUndefined()
  })
})

describe('what a server writes', () => {
  test('is what every known client understands', () => {
    expect(headerText('a.dialer')).toBe('51-["socket.io-pull-stream.queue.a.dialer",{"_placeholder":true,"num":0}]')
    expect(acceptText('a.dialer', undefined)).toBe('2["socket.io-pull-stream.accept.a.dialer"]')
    expect(acceptText('a.dialer', 0)).toBe('2["socket.io-pull-stream.accept.a.dialer",{"window":0}]')
    expect(creditText('a.dialer', 65_536)).toBe('2["socket.io-pull-stream.credit.a.dialer",65536]')
    expect(errorText('a.dialer', true)).toBe('2["socket.io-pull-stream.error.a.dialer",true]')
    expect(errorText('a.dialer', 'no "way"')).toBe(String.raw`2["socket.io-pull-stream.error.a.dialer","no \"way\""]`)
  })

  test('is read back equal', () => {
    const bytes = fc.integer({ min: 1, max: CREDIT_MAX })
    const reason = fc.oneof(
      fc.constant(true as const),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => text.length <= 256)
    )
    fc.assert(
      fc.property(streamName, fc.option(bytes, { nil: undefined }), bytes, reason, (stream, window, bytes, reason) => {
        expect(readSlowly(acceptText(stream, window))).toEqual({ kind: 'accept', stream, window })
        expect(readSlowly(creditText(stream, bytes))).toEqual({ kind: 'credit', stream, bytes })
        expect(readSlowly(errorText(stream, reason))).toEqual({ kind: 'error', stream, reason })
        expect(readSlowly(headerText(stream))).toEqual({ kind: 'queue header', stream })
        expect(readQueueHeader(headerText(stream))).toEqual({ kind: 'queue header', stream })
      })
    )
  })
})
