import { describe, expect, test } from 'vitest'
import * as streams from '../src/index.js'
import { reasonText } from '../src/errors.js'

const cause = new Error('the disk is full')

describe('errors', () => {
  test.each([
    [new streams.StreamResetError('id', 'gone'), 'StreamResetError', 'ERR_STREAM_RESET', 'gone'],
    [new streams.StreamStoppedError('id'), 'StreamStoppedError', 'ERR_STREAM_STOPPED', 'stopped'],
    [new streams.StreamAbortedError('id', cause), 'StreamAbortedError', 'ERR_STREAM_ABORTED', 'the disk is full'],
    [
      new streams.ConnectionLostError('id', 'ping timeout'),
      'ConnectionLostError',
      'ERR_CONNECTION_LOST',
      'ping timeout'
    ],
    [new streams.StreamProtocolError('id', 'no'), 'StreamProtocolError', 'ERR_STREAM_PROTOCOL', 'no'],
    [new streams.CodecError('id', 'no'), 'CodecError', 'ERR_STREAM_CODEC', 'no'],
    [new streams.WriteAfterEndError('id'), 'WriteAfterEndError', 'ERR_STREAM_WRITE_AFTER_END', 'ended'],
    [new streams.StreamIdInUseError('id'), 'StreamIdInUseError', 'ERR_STREAM_ID_IN_USE', 'in use']
  ])('%s', (error, name, code, text) => {
    expect(error).toBeInstanceOf(streams.StreamError)
    expect(error).toMatchObject({ name, code, stream: 'id' })
    expect(error.message).toMatch(/^Stream id: /)
    expect(error.message).toContain(text)
  })

  test('tell what the other side said', () => {
    expect(new streams.StreamResetError('id', 'gone').reason).toBe('gone')
    expect(new streams.ConnectionLostError('id', 'ping timeout').reason).toBe('ping timeout')
  })

  test('carry their cause', () => {
    expect(new streams.StreamAbortedError('id', cause).cause).toBe(cause)
    expect(new streams.CodecError('id', 'no', { cause }).cause).toBe(cause)
    expect(new streams.StreamProtocolError('id', 'no', { cause }).cause).toBe(cause)
  })
})

describe('what the other side is told', () => {
  test.each([
    ['a reason', 'a reason'],
    [cause, 'the disk is full'],
    [new Error(''), 'aborted'],
    [undefined, 'aborted'],
    [null, 'aborted'],
    ['', 'aborted'],
    [true, 'aborted'],
    [{ message: 'no error' }, 'aborted'],
    ['x'.repeat(1000), 'x'.repeat(256)]
  ])('for %s is a text', (reason, text) => {
    expect(reasonText(reason)).toBe(text)
  })

  test('is what was said on another stream, as it was said there', () => {
    expect(reasonText(new streams.StreamResetError('other', 'the disk is full'))).toBe('the disk is full')
    expect(reasonText(new streams.StreamAbortedError('other', cause))).toBe('the disk is full')
    expect(reasonText(new streams.StreamAbortedError('other', new streams.StreamResetError('more', 'gone')))).toBe(
      'gone'
    )
    expect(reasonText(new streams.ConnectionLostError('other', 'ping timeout'))).toContain('ping timeout')
  })
})
