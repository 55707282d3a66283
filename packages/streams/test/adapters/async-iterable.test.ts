import { beforeEach, describe, expect, test } from 'vitest'
import { valuesOf, writeAll } from '../../src/adapters/async-iterable.js'
import type { Sink } from '../../src/sink.js'
import type { Source } from '../../src/source.js'
import { socketStreams } from '../../src/streams.js'
import { FakeSocket, turns } from '../fake-socket.js'

let socket: FakeSocket
let source: Source<unknown>
let sink: Sink<unknown>

beforeEach(() => {
  socket = new FakeSocket()
  source = socketStreams(socket).createSource('in', { window: { initial: 100_000, max: 100_000 } })
  sink = socketStreams(socket).createSink('out', { highWaterMark: 10 })
})

async function all(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const read: unknown[] = []
  for await (const value of values) read.push(value)
  return read
}

describe('the values of a source', () => {
  test('are what comes, up to the end', async () => {
    const values = all(valuesOf(source))
    for (const value of ['one', 2, { three: 3 }]) socket.hear('queue', 'in', value)
    socket.hear('error', 'in', true)
    expect(await values).toEqual(['one', 2, { three: 3 }])
    expect(socket.sentOf('error')).toEqual([])
  })

  test('end with its error', async () => {
    const values = all(valuesOf(source))
    socket.hear('queue', 'in', 'one')
    socket.hear('error', 'in', 'the disk is full')
    await expect(values).rejects.toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
  })

  test('left early, abort it', async () => {
    socket.hear('queue', 'in', 'one')
    for await (const value of valuesOf(source)) {
      expect(value).toBe('one')
      break
    }
    expect(socket.sentOf('error')).toEqual(['the reader has left'])
    expect(source.error).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
  })

  test('left by an error of the reader, abort it', async () => {
    socket.hear('queue', 'in', 'one')
    const reading = (async () => {
      for await (const value of valuesOf(source)) throw new Error(`cannot use ${String(value)}`)
    })()
    await expect(reading).rejects.toThrow('cannot use one')
    expect(socket.sentOf('error')).toEqual(['the reader has left'])
  })

  test('left early when all has come, cost no word', async () => {
    for (let count = 0; count < 100; count++) socket.hear('queue', 'in', 'x'.repeat(1000))
    socket.hear('error', 'in', true)
    for await (const value of valuesOf(source)) {
      expect(value).toHaveLength(1000)
      break
    }
    expect(socket.sentOf('error')).toEqual([])
    expect(source.readableLength).toBe(0)
  })

  test('that are not read hold the sender', async () => {
    const values = valuesOf(source)
    socket.hear('queue', 'in', 'x'.repeat(1000))
    await values.next()
    for (let count = 0; count < 500; count++) socket.hear('queue', 'in', 'x'.repeat(1000))
    await turns()
    const granted = socket.sentOf('credit').reduce((sum: number, credit) => sum + Number(credit), 0)
    expect(granted).toBeLessThan(100_000)
    await values.return()
  })
})

describe('writing all values', () => {
  test.each([
    ['an array', ['one', 'two']],
    [
      'a generator',
      (function* () {
        yield 'one'
        yield 'two'
      })()
    ],
    [
      'an async generator',
      (async function* () {
        yield 'one'
        yield 'two'
      })()
    ]
  ])('of %s ends when all was sent', async (_name, values: Iterable<string> | AsyncIterable<string>) => {
    const written = writeAll(values, sink)
    socket.hear('accept', 'out')
    await written
    expect(socket.sent.slice(1)).toEqual([
      ['queue', 'out', 'one'],
      ['queue', 'out', 'two'],
      ['error', 'out', true]
    ])
  })

  test('takes no more values than there is room for', async () => {
    let taken = 0
    const values = (function* () {
      for (; taken < 100; taken++) yield '12345'
    })()
    const written = writeAll(values, sink)
    await turns(3)
    expect(taken).toBe(1)
    socket.hear('accept', 'out', { window: 10 })
    await turns(3)
    expect(taken).toBe(3)
    for (let count = 0; count < 100; count++) {
      socket.hear('credit', 'out', 10)
      await turns()
    }
    await written
    expect(socket.sentOf('queue')).toHaveLength(100)
  })

  test('fails as the stream does, and leaves the values', async () => {
    let left = false
    const values = (async function* () {
      try {
        for (;;) yield '1234567890'
      } finally {
        left = true
      }
    })()
    const written = writeAll(values, sink)
    await turns(2)
    socket.hear('error', 'out', 'no thanks')
    await expect(written).rejects.toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no thanks' })
    await turns(2)
    expect(left).toBe(true)
  })

  test('fails at once, though the next value is long in coming', async () => {
    const values = (async function* () {
      yield 'one'
      await new Promise(() => {})
    })()
    const written = writeAll(values, sink)
    await turns(2)
    socket.disconnect()
    await expect(written).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  })

  test('fails as the values do, and the receiver is told', async () => {
    const failure = new Error('the disk is full')
    const values = (async function* () {
      yield 'one'
      throw failure
    })()
    const written = writeAll(values, sink)
    socket.hear('accept', 'out')
    await expect(written).rejects.toBe(failure)
    expect(socket.sentOf('error')).toEqual(['the disk is full'])
    expect(sink.error).toMatchObject({ code: 'ERR_STREAM_ABORTED', cause: failure })
  })

  test('fails by a value that cannot be sent, and the receiver is told', async () => {
    await expect(writeAll(['one', null], sink)).rejects.toMatchObject({ code: 'ERR_STREAM_CODEC' })
    expect(socket.sentOf('error')).toHaveLength(1)
  })

  test('to a sink that has failed fails, and takes nothing', async () => {
    sink.abort('no more')
    let taken = 0
    const values = (function* () {
      taken++
      yield 'one'
    })()
    await expect(writeAll(values, sink)).rejects.toMatchObject({ code: 'ERR_STREAM_ABORTED' })
    expect(taken).toBe(0)
  })

  test('to a sink that has ended fails', async () => {
    socket.hear('accept', 'out')
    sink.end()
    await expect(writeAll(['one'], sink)).rejects.toMatchObject({ code: 'ERR_STREAM_WRITE_AFTER_END' })
  })

  test('of none is a stream of nothing', async () => {
    socket.hear('accept', 'out')
    await writeAll([], sink)
    expect(socket.sent.slice(1)).toEqual([['error', 'out', true]])
  })
})
