import { beforeEach, describe, expect, test } from 'vitest'
import { readableStream, writableStream } from '../../src/adapters/web-streams.js'
import { StreamAbortedError } from '../../src/errors.js'
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

/** The code of the error a promise is rejected with. */
async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { fulfilled: await promise }
  } catch (error) {
    return (error as { code?: string }).code ?? error
  }
}

describe('a readable stream', () => {
  test('reads what comes, and ends', async () => {
    const reader = readableStream(source).getReader()
    socket.hear('queue', 'in', 'one')
    const first = reader.read()
    expect(await first).toEqual({ done: false, value: 'one' })
    const second = reader.read()
    socket.hear('queue', 'in', 'two')
    socket.hear('error', 'in', true)
    expect(await second).toEqual({ done: false, value: 'two' })
    expect(await reader.read()).toEqual({ done: true, value: undefined })
    await reader.closed
  })

  test.each([
    ['bytes', (size: number) => Buffer.alloc(size)],
    ['text', (size: number) => 'x'.repeat(size)],
    ['objects', (size: number) => ({ a: 'x'.repeat(size - 8) })]
  ])('of %s that nobody reads takes as much as its mark, and leaves the rest to the window', async (_name, chunkOf) => {
    const stream = readableStream(source, { highWaterMark: 5000 })
    await turns()
    for (let count = 0; count < 20; count++) socket.hear('queue', 'in', chunkOf(1000))
    expect(source.readableLength).toBe(15_000)
    const reader = stream.getReader()
    for (let count = 0; count < 10; count++) await reader.read()
    expect(source.readableLength).toBe(5000)
  })

  test('of empty values is held as well', async () => {
    readableStream(source, { highWaterMark: 5 })
    await turns()
    for (let count = 0; count < 20; count++) socket.hear('queue', 'in', '')
    expect(source.paused).toBe(true)
  })

  test('fails as its source does, after what came before', async () => {
    const reader = readableStream(source).getReader()
    socket.hear('queue', 'in', 'one')
    expect(await reader.read()).toEqual({ done: false, value: 'one' })
    socket.hear('error', 'in', 'the disk is full')
    expect(await codeOf(reader.read())).toBe('ERR_STREAM_RESET')
    expect(await codeOf(reader.closed)).toBe('ERR_STREAM_RESET')
  })

  test('made of a source that has failed fails', async () => {
    source.abort('no more')
    expect(await codeOf(readableStream(source).getReader().read())).toBe('ERR_STREAM_ABORTED')
  })

  test('made of a source that has been read is at its end', async () => {
    source.resume()
    socket.hear('error', 'in', true)
    expect(await readableStream(source).getReader().read()).toEqual({ done: true, value: undefined })
  })

  test('cancelled, aborts its source', async () => {
    const reader = readableStream(source).getReader()
    const read = reader.read()
    await reader.cancel(new Error('enough'))
    expect(await read).toEqual({ done: true, value: undefined })
    expect(socket.sentOf('error')).toEqual(['enough'])
    expect(source.error).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
    socket.hear('queue', 'in', 'late')
    socket.hear('error', 'in', true)
  })
})

describe('a writable stream', () => {
  test('writes, waits when the sink does, and closes once all is sent', async () => {
    const writer = writableStream(sink).getWriter()
    socket.hear('accept', 'out', { window: 10 })
    await writer.write('1234567890')
    const order: string[] = []
    const waiting = writer.write('1234567890').then(() => order.push('written'))
    const closed = writer.close().then(() => order.push('closed'))
    await turns(3)
    expect([order, sink.writableLength]).toEqual([[], 10])
    socket.hear('credit', 'out', 10)
    await Promise.all([waiting, closed])
    expect(order).toEqual(['written', 'closed'])
    expect(socket.sent.slice(1)).toEqual([
      ['queue', 'out', '1234567890'],
      ['queue', 'out', '1234567890'],
      ['error', 'out', true]
    ])
  })

  test('that is closed waits for the receiver', async () => {
    const writer = writableStream(sink).getWriter()
    await writer.write('one')
    let closed = false
    const closing = writer.close().then(() => (closed = true))
    await turns(3)
    expect(closed).toBe(false)
    socket.hear('accept', 'out')
    await closing
    expect(sink.closed).toBe(true)
  })

  test('aborted, aborts the sink', async () => {
    const writer = writableStream(sink).getWriter()
    await writer.write('one')
    await writer.abort(new Error('changed my mind'))
    expect(socket.sentOf('error')).toEqual(['changed my mind'])
    expect(sink.error).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
    expect(await codeOf(writer.closed)).toMatchObject({ message: 'changed my mind' })
  })

  test('aborted, does not wait for a receiver that never reads on', async () => {
    const writer = writableStream(sink).getWriter()
    const write = writer.write('1234567890 and more')
    await turns(2)
    expect(sink.writableLength).toBeGreaterThan(0)
    await writer.abort('changed my mind')
    expect(socket.sentOf('error')).toEqual(['changed my mind'])
    expect(await codeOf(write)).toEqual({ fulfilled: undefined })
  })

  test('aborted while it closes, does not wait either', async () => {
    const writer = writableStream(sink).getWriter()
    const closing = writer.close()
    await turns(2)
    const aborting = writer.abort('changed my mind')
    expect(await codeOf(closing)).toBe('ERR_STREAM_ABORTED')
    await codeOf(aborting)
    expect(socket.sentOf('error')).toEqual(['changed my mind'])
  })

  test('aborted by what failed on another stream of this side, tells the receiver', async () => {
    const failure = new StreamAbortedError('other', new Error('the disk is full'))
    await writableStream(sink).abort(failure)
    expect(socket.sentOf('error')).toEqual(['the disk is full'])
  })

  test.each([
    ['by the receiver', () => socket.hear('error', 'out', 'no thanks'), 'ERR_STREAM_RESET'],
    ['by the connection', () => socket.disconnect(), 'ERR_CONNECTION_LOST'],
    ['by its owner', () => sink.abort('given up'), 'ERR_STREAM_ABORTED']
  ])('fails %s, with everything that waits', async (_name, fail, code) => {
    const writer = writableStream(sink).getWriter()
    const results = [writer.write('1234567890'), writer.write('more'), writer.close(), writer.closed].map(codeOf)
    await turns(2)
    fail()
    const [first, ...others] = await Promise.all(results)
    // The first was with the sink, which has it no more, but it was taken.
    expect(first).toEqual({ fulfilled: undefined })
    expect(others).toEqual([code, code, code])
    expect(await codeOf(writer.ready)).toBe(code)
  })

  test('fails while it closes', async () => {
    const writer = writableStream(sink).getWriter()
    const closing = codeOf(writer.close())
    await turns(2)
    socket.hear('error', 'out', 'no thanks')
    expect(await closing).toBe('ERR_STREAM_RESET')
  })

  test('fails by what cannot be written, and the receiver is told', async () => {
    const writer = writableStream(sink).getWriter()
    expect(await codeOf(writer.write(null))).toBe('ERR_STREAM_CODEC')
    expect(await codeOf(writer.closed)).toBe('ERR_STREAM_CODEC')
    expect(socket.sentOf('error')).toHaveLength(1)
    expect(socketStreams(socket).size).toBe(1)
  })

  test('made of a sink that has failed fails', async () => {
    sink.abort('no more')
    expect(await codeOf(writableStream(sink).getWriter().write('one'))).toBe('ERR_STREAM_ABORTED')
  })
})

test('a stream that fails ends the one it is piped to, on this side and the other', async () => {
  const piped = codeOf(readableStream(source).pipeTo(writableStream(sink)))
  await turns()
  source.abort('not needed')
  expect(await piped).toBe('ERR_STREAM_ABORTED')
  expect(socket.sent.filter(([kind]) => kind === 'error')).toEqual([
    ['error', 'in', 'not needed'],
    ['error', 'out', 'not needed']
  ])
})
