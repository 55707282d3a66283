import { beforeEach, describe, expect, test } from 'vitest'
import attach, { pullSink, pullSource, type PullEnd, type PullSource } from '../../src/adapters/pull-stream.js'
import type { Sink } from '../../src/sink.js'
import type { Source } from '../../src/source.js'
import { socketStreams } from '../../src/streams.js'
import { FakeSocket, turns } from '../fake-socket.js'

let socket: FakeSocket
let source: Source<unknown>
let sink: Sink<unknown>
let told: unknown[]

beforeEach(() => {
  socket = new FakeSocket()
  source = socketStreams(socket).createSource('in')
  sink = socketStreams(socket).createSink('out', { highWaterMark: 10 })
  told = []
})

/** Gives what it is told to, and remembers how it was read. */
class Manual {
  reads = 0
  aborted: PullEnd = null
  #waiting: ((end: PullEnd, value?: unknown) => void) | undefined

  readonly source: PullSource = (abort, read) => {
    if (abort !== null) {
      this.aborted = abort
      return read(abort)
    }
    this.reads++
    this.#waiting = read
  }

  answer(end: PullEnd, value?: unknown): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    waiting?.(end, value)
  }
}

function valuesThen(values: unknown[], end: unknown = true): PullSource {
  const left = [...values]
  return (abort, read) => {
    if (abort !== null) read(abort)
    else if (left.length > 0) read(null, left.shift())
    else read(end as PullEnd) // whatever streams say
  }
}

describe('a sink', () => {
  test('sends all there is, and the end', () => {
    socket.hear('accept', 'out')
    pullSink(sink)(valuesThen(['one', 2, '']))
    expect(socket.sent.slice(1)).toEqual([
      ['queue', 'out', 'one'],
      ['queue', 'out', 2],
      ['queue', 'out', ''],
      ['error', 'out', true]
    ])
  })

  test('reads a hundred thousand values that are there at once, and fills no stack', () => {
    socket.hear('accept', 'out')
    pullSink(sink)(valuesThen(Array.from({ length: 100_000 }, (_, index) => index)))
    expect(socket.sentOf('queue')).toHaveLength(100_000)
  })

  test('reads no more than there is room for', async () => {
    const manual = new Manual()
    pullSink(sink)(manual.source)
    manual.answer(null, '12345')
    expect(manual.reads).toBe(2)
    manual.answer(null, '67890')
    expect(manual.reads).toBe(2)
    socket.hear('accept', 'out')
    expect(manual.reads).toBe(3)
    manual.answer(true)
    expect(socket.sent.slice(1)).toEqual([
      ['queue', 'out', '12345'],
      ['queue', 'out', '67890'],
      ['error', 'out', true]
    ])
  })

  test.each([
    ['an error', new Error('the disk is full'), 'the disk is full'],
    ['a text, as old streams do', 'the disk is full', 'the disk is full']
  ])('tells the receiver of %s', (_name, end, text) => {
    socket.hear('accept', 'out')
    pullSink(sink)(valuesThen(['one'], end))
    expect(socket.sentOf('queue')).toEqual(['one'])
    expect(socket.sentOf('error')).toEqual([text])
  })

  test.each([undefined, false])('goes on where a stream says %s for null', (end) => {
    socket.hear('accept', 'out')
    let left = 2
    pullSink(sink)((_abort, read) => (left-- > 0 ? read(end as unknown as PullEnd, 'value') : read(true)))
    expect(socket.sentOf('queue')).toEqual(['value', 'value'])
    expect(socket.sentOf('error')).toEqual([true])
  })

  test('that fails while it reads leaves the source at once, and takes no answer that comes late', () => {
    const manual = new Manual()
    pullSink(sink)(manual.source)
    socket.hear('error', 'out', 'no thanks')
    expect(manual.aborted).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no thanks' })
    manual.answer(null, 'late')
    expect(manual.reads).toBe(1)
  })

  test('that fails while it waits leaves the source at once', () => {
    const manual = new Manual()
    pullSink(sink)(manual.source)
    manual.answer(null, '1234567890')
    socket.hear('error', 'out', true)
    expect(manual.aborted).toMatchObject({ code: 'ERR_STREAM_STOPPED' })
  })

  test('that has failed before leaves the source at once', () => {
    sink.abort('no more')
    const manual = new Manual()
    pullSink(sink)(manual.source)
    expect(manual.aborted).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
    expect(manual.reads).toBe(0)
  })

  test('that is given what cannot be sent fails, leaves the source, and tells the receiver', () => {
    const manual = new Manual()
    pullSink(sink)(manual.source)
    manual.answer(null, null)
    expect(manual.aborted).toBeInstanceOf(Error)
    expect(socket.sentOf('error')).toHaveLength(1)
  })
})

describe('a source', () => {
  const read = (end: PullEnd, value?: unknown): void => void told.push(end === null ? value : end)

  test('answers one read with one value', () => {
    const pull = pullSource(source)
    for (const value of ['one', 'two']) socket.hear('queue', 'in', value)
    expect(told).toEqual([])
    pull(null, read)
    expect(told).toEqual(['one'])
    pull(null, read)
    expect(told).toEqual(['one', 'two'])
    pull(null, read)
    expect(told).toEqual(['one', 'two'])
    socket.hear('queue', 'in', 'three')
    socket.hear('queue', 'in', 'four')
    expect(told).toEqual(['one', 'two', 'three'])
    expect(source.readableLength).toBe(4)
  })

  test('ends, and says so again', () => {
    const pull = pullSource(source)
    socket.hear('queue', 'in', 'one')
    socket.hear('error', 'in', true)
    for (let count = 0; count < 3; count++) pull(null, read)
    expect(told).toEqual(['one', true, true])
  })

  test('ends while it is read', () => {
    pullSource(source)(null, read)
    socket.hear('error', 'in', true)
    expect(told).toEqual([true])
  })

  test('fails with an error, after what came before', () => {
    const pull = pullSource(source)
    socket.hear('queue', 'in', 'one')
    socket.hear('error', 'in', 'the disk is full')
    for (let count = 0; count < 2; count++) pull(null, read)
    expect(told).toEqual(['one', expect.objectContaining({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })])
  })

  test.each<[string, PullEnd, string]>([
    ['its reader has enough', true, 'the reader has left'],
    ['its reader fails', new Error('cannot use that'), 'cannot use that'],
    ['its reader fails with a text', 'cannot use that', 'cannot use that']
  ])('is aborted when %s', (_name, end, text) => {
    const pull = pullSource(source)
    pull(end, read)
    expect(told).toEqual([end])
    expect(socket.sentOf('error')).toEqual([text])
    pull(null, read)
    expect(told).toEqual([end, end])
  })

  test('that is aborted while it is read answers the read, then the abort', () => {
    const pull = pullSource(source)
    pull(null, () => told.push('read'))
    pull(true, () => told.push('abort'))
    expect(told).toEqual(['read', 'abort'])
  })

  test('that is read to its end can be aborted too', () => {
    const pull = pullSource(source)
    socket.hear('error', 'in', true)
    pull(null, read)
    pull(true, read)
    expect(told).toEqual([true, true])
    expect(socket.sentOf('error')).toEqual([])
  })

  test('made of one that has ended says so', () => {
    source.abort('no more')
    pullSource(source)(null, read)
    expect(told).toEqual([expect.objectContaining({ code: 'ERR_STREAM_ABORTED' })])
  })
})

describe('a socket with the methods of the old module', () => {
  test('is the same socket, and gets them once', () => {
    const attached = attach(socket)
    expect(attached).toBe(socket)
    const { createSink } = attached
    expect(attach(socket).createSink).toBe(createSink)
  })

  test('makes sinks and sources that know their id', () => {
    const attached = attach(socket)
    expect(attached.createSink('a').id).toBe('a')
    expect(attached.createSource('b').id).toBe('b')
    for (const id of [undefined, null]) expect(attached.createSink(id).id).toMatch(/^[0-9a-f]{32}$/)
  })

  test.each([
    ['as told for one stream', {}, { codec: 'hex' as const }, 'ff'],
    ['as told for all', { codec: 'hex' as const }, undefined, 'ff'],
    ['as told for all, whatever is told for one', { codec: 'hex' as const }, { codec: 'plain' as const }, 'ff'],
    ['plain unless told', {}, undefined, Buffer.from([255])]
  ])('encodes %s', (_name, defaults, options, wire) => {
    const attached = attach(socket, defaults)
    socket.clear()
    attached.createSink('a', options)(valuesThen([Buffer.from([255])]))
    socket.hear('accept', 'a')
    expect(socket.sentOf('queue')).toEqual([wire])
    const received: unknown[] = []
    attached.createSource('b', options)(null, (_end, value) => received.push(value))
    socket.hear('queue', 'b', wire)
    expect(received).toEqual([Buffer.from([255])].map((bytes) => (wire === 'ff' ? Uint8Array.from(bytes) : bytes)))
  })

  test('passes streams on', async () => {
    const other = new FakeSocket()
    const proxy = attach(socket).createProxy('id', other)
    other.hear('accept', 'id')
    socket.hear('queue', 'id', 'value')
    socket.hear('error', 'id', true)
    expect(other.sent).toEqual([
      ['queue', 'id', 'value'],
      ['error', 'id', true]
    ])
    expect(await proxy.closed).toBeUndefined()
    await turns()
  })
})
