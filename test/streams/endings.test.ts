import {
  readableStream,
  socketStreams,
  valuesOf,
  writableStream,
  writeAll,
  type Sink,
  type Source
} from '@websocket-star/streams'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { accepted, codeOf, finished, openStream, readAll } from './flows.js'
import { connect, directions, ordered, recorded, settled, someVersions, type TestSocket } from './sockets.js'

const WINDOW = 10_000
const window = { initial: WINDOW, max: WINDOW }

interface Open {
  from: TestSocket
  to: TestSocket
  sink: Sink
  source: Source
}

/** How far a stream has come when something happens to it. */
const points = {
  'before it was accepted': async ({ from, to, sink }: Open) => {
    expect(sink.accepted).toBe(false)
    await Promise.all([from, to])
  },
  'after it was accepted': async ({ sink }: Open) => accepted(sink),
  'with data waiting at both sides': async ({ sink, source }: Open) => {
    await accepted(sink)
    for (let count = 0; count < 3; count++) sink.write(Buffer.alloc(WINDOW, count))
    await eventually('the window to be full', () => source.readableLength >= WINDOW)
    expect(sink.writableLength).toBe(2 * WINDOW)
  },
  'while it flows': async ({ sink, source }: Open) => {
    await accepted(sink)
    source.onData = () => {}
    source.resume()
    sink.onDrain = () => {}
    for (let count = 0; count < 30; count++) sink.write(Buffer.alloc(WINDOW))
  }
}

describe.each(someVersions)('socket.io $server', (combination) => {
  describe.each(directions)('%s', (direction) => {
    async function open(): Promise<Open> {
      const [from, to] = ordered(await connect(combination), direction)
      const streams = await openStream(from, to, { codec: 'buffer', source: { window } })
      return { from, to, ...streams }
    }

    function nothingOpen({ from, to }: Open): void {
      expect([socketStreams(from).size, socketStreams(to).size]).toEqual([0, 0])
    }

    test('an end with nothing before it is a stream of nothing', async () => {
      const stream = await open()
      const read = readAll(stream.source)
      stream.sink.end()
      expect(await finished(stream.sink)).toBeUndefined()
      expect(await read).toEqual({ values: [], error: undefined })
      nothingOpen(stream)
    })

    describe.each(Object.entries(points))('%s', (_name, reach) => {
      test('the sender gives up: what came is read, then the reason', async () => {
        const stream = await open()
        await reach(stream)
        const waiting = stream.source.readableLength
        stream.sink.abort(new Error('the disk is full'))
        expect(await finished(stream.sink)).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
        const { values, error } = await readAll(stream.source)
        expect(error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
        expect(values.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(waiting)
        nothingOpen(stream)
      })

      test('the receiver gives up: the sender hears the reason', async () => {
        const stream = await open()
        await reach(stream)
        const failed = finished(stream.sink)
        stream.source.abort(new Error('no more room'))
        expect(stream.source.error).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
        expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no more room' })
        expect(codeOf(() => stream.sink.write(Buffer.from('more')))).toBe('ERR_STREAM_RESET')
        // What was under way meanwhile is nobody's.
        await settled(stream.from, stream.to)
        nothingOpen(stream)
      })

      test.each(['sender', 'receiver'] as const)('the %s loses the connection: both know', async (who) => {
        const stream = await open()
        await reach(stream)
        const failed = finished(stream.sink)
        const waiting = stream.source.readableLength
        ;(who === 'sender' ? stream.from : stream.to).disconnect()
        expect(await failed).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: expect.any(String) })
        const { values, error } = await readAll(stream.source)
        expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: expect.any(String) })
        expect(values.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThanOrEqual(waiting)
        nothingOpen(stream)
      })
    })

    test('the receiver has enough, which is no error of its own making', async () => {
      const stream = await open()
      const failed = finished(stream.sink)
      stream.source.stop()
      expect(await failed).toMatchObject({ code: 'ERR_STREAM_STOPPED' })
      await settled(stream.from, stream.to)
      nothingOpen(stream)
    })

    test('after its end nothing happens to it', async () => {
      const stream = await open()
      const read = readAll(stream.source)
      await writeAll([Buffer.from('all')], stream.sink)
      await read
      const [sent, answered] = [recorded(stream.from), recorded(stream.to)]
      stream.sink.abort('late')
      stream.source.abort('late')
      expect([sent, answered]).toEqual([[], []])
      stream.from.disconnect()
      expect([stream.sink.error, stream.source.error]).toEqual([undefined, undefined])
    })

    test('what is written after the end is refused', async () => {
      const { sink } = await open()
      sink.end()
      expect(codeOf(() => sink.write(Buffer.from('more')))).toBe('ERR_STREAM_WRITE_AFTER_END')
    })

    test('an id that is in use is refused, here and for its maker only', async () => {
      const { from, to, sink, source } = await open()
      expect(codeOf(() => socketStreams(from).createSink(sink.id))).toBe('ERR_STREAM_ID_IN_USE')
      expect(codeOf(() => socketStreams(to).createSource(source.id))).toBe('ERR_STREAM_ID_IN_USE')
      const read = readAll(source)
      await writeAll([Buffer.from('fine')], sink)
      expect((await read).error).toBeUndefined()
      const again = await openStream(from, to, { codec: 'buffer', id: sink.id })
      const readAgain = readAll(again.source)
      await writeAll([Buffer.from('fine too')], again.sink)
      expect((await readAgain).values.map(String)).toEqual(['fine too'])
    })

    test.each([
      ['null', 'plain', null],
      ['false', 'plain', false],
      ['text', 'buffer', 'no bytes'],
      ['an object', 'buffer', { type: 'Buffer', data: [1] }],
      ['numbers', 'buffer', [1, 2, 3]],
      ['bytes', 'hex', Buffer.from('ff')],
      ['bad text', 'hex', 'no hex']
    ] as const)('a chunk of %s for the codec %s ends the stream on both sides', async (_name, codec, chunk) => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream<'plain' | 'buffer' | 'hex'>(from, to, { codec })
      await accepted(sink)
      const [failed, read] = [finished(sink), readAll(source)]
      from.emit(`socket.io-pull-stream.queue.${sink.id}`, chunk)
      expect((await read).error).toMatchObject({ code: 'ERR_STREAM_CODEC', cause: expect.any(TypeError) })
      expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'Unreadable chunk' })
      expect([socketStreams(from).size, socketStreams(to).size]).toEqual([0, 0])
    })

    test('a chunk that is no argument at all, or asks for an answer, ends the stream', async () => {
      for (const args of [[], [() => {}]]) {
        const [from, to] = ordered(await connect(combination), direction)
        const { sink, source } = await openStream(from, to, { codec: 'plain' })
        await accepted(sink)
        const read = readAll(source)
        from.emit(`socket.io-pull-stream.queue.${sink.id}`, ...args)
        expect((await read).error).toMatchObject({ code: 'ERR_STREAM_CODEC' })
      }
    })

    test('a sender that ignores its window is ended beyond the tolerance, and not before', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream(from, to, { codec: 'buffer', source: { window, tolerance: WINDOW } })
      await accepted(sink)
      const flood = (bytes: number): void => {
        from.emit(`socket.io-pull-stream.queue.${sink.id}`, Buffer.alloc(bytes))
      }
      flood(WINDOW)
      flood(WINDOW)
      await settled(from, to)
      expect([source.closed, source.readableLength]).toEqual([false, 2 * WINDOW])
      const failed = finished(sink)
      flood(1)
      expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'More was sent than the window allows' })
      expect(source.error).toMatchObject({ code: 'ERR_STREAM_PROTOCOL' })
      expect((await readAll(source)).values.map(({ length }) => length)).toEqual([WINDOW, WINDOW])
    })
  })
})

describe('WHATWG streams', () => {
  async function open() {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'buffer', source: { window } })
    return {
      client,
      sink,
      source,
      writable: writableStream(sink),
      readable: readableStream(source, { highWaterMark: 1 })
    }
  }

  test('that are read to the end are closed', async () => {
    const { readable, writable } = await open()
    const writer = writable.getWriter()
    const written = writer.write(Buffer.from('all')).then(() => writer.close())
    const reader = readable.getReader()
    expect(String(Buffer.from((await reader.read()).value ?? []))).toBe('all')
    expect((await reader.read()).done).toBe(true)
    await Promise.all([written, reader.closed, writer.closed])
  })

  test('that are cancelled fail at the writer', async () => {
    const { readable, writable } = await open()
    const writer = writable.getWriter()
    await readable.cancel(new Error('no more room'))
    await expect(writer.closed).rejects.toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no more room' })
    await expect(writer.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'ERR_STREAM_RESET' })
  })

  test('that are aborted fail at the reader', async () => {
    const { readable, writable } = await open()
    await writable.abort(new Error('the disk is full'))
    const reader = readable.getReader()
    await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
  })

  test('that lose the connection fail on both sides, and nobody need look', async () => {
    const { client, readable, writable, sink, source } = await open()
    const unhandled: unknown[] = []
    const listener = (error: unknown): number => unhandled.push(error)
    process.on('unhandledRejection', listener)
    try {
      const reader = readable.getReader()
      const writer = writable.getWriter()
      // Nobody waits for these.
      void writer.ready.catch(() => {})
      client.disconnect()
      await eventually('both to know', () => sink.closed && source.closed)
      // Unhandled rejections are told of after the microtasks of a turn.
      await new Promise((resolve) => setImmediate(resolve))
      expect(unhandled).toEqual([])
      await expect(reader.read()).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
      await expect(writer.write(Buffer.from('more'))).rejects.toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    } finally {
      process.off('unhandledRejection', listener)
    }
  })

  test('that are piped from one to the other go through', async () => {
    const [first, second] = [await open(), await open()]
    const passed = first.readable.pipeTo(second.writable)
    const chunks = Array.from({ length: 50 }, (_, index) => Buffer.alloc(5000, index))
    const written = writeAll(chunks, first.sink)
    const received: Uint8Array[] = []
    for await (const chunk of second.readable) received.push(chunk)
    await Promise.all([passed, written])
    expect(Buffer.concat(received).equals(Buffer.concat(chunks))).toBe(true)
  })

  test('that are piped fail together, and say why at the far end', async () => {
    const [first, second] = [await open(), await open()]
    const passed = first.readable.pipeTo(second.writable)
    first.sink.abort('the disk is full')
    await expect(passed).rejects.toMatchObject({ code: 'ERR_STREAM_RESET' })
    await expect(second.readable.getReader().read()).rejects.toMatchObject({ reason: 'the disk is full' })
  })
})

test('an abort keeps its reason when a Response is read, as that of any stream', async () => {
  const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
  const { sink, source } = await openStream(client, server, { codec: 'buffer' })
  await accepted(sink)
  sink.write(Buffer.from('a beginning'))
  const text = new Response(readableStream(source) as ReadableStream<Uint8Array<ArrayBuffer>>).text()
  sink.abort('the disk is full')
  await expect(text).rejects.toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
})

describe('async iterables', () => {
  test('left early end the sender, which leaves its values', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'plain', source: { window } })
    let left = false
    const values = (function* () {
      try {
        for (;;) yield 'x'.repeat(1000)
      } finally {
        left = true
      }
    })()
    const written = rejection(writeAll(values, sink))
    for await (const value of valuesOf(source)) {
      expect(value).toBe('x'.repeat(1000))
      break
    }
    expect(await written).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the reader has left' })
    await eventually('the values to be left', () => left)
    expect([socketStreams(client).size, socketStreams(server).size]).toEqual([0, 0])
  })

  test('that throw end the receiver', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'plain' })
    await accepted(sink)
    const values = (function* () {
      yield 'one'
      throw new Error('the disk is full')
    })()
    const written = rejection(writeAll(values, sink))
    const received: unknown[] = []
    const read = (async () => {
      for await (const value of valuesOf(source)) received.push(value)
    })()
    await expect(read).rejects.toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
    expect(await written).toMatchObject({ message: 'the disk is full' })
    expect(received).toEqual(['one'])
  })
})

/** What a promise is rejected with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { fulfilled: await promise }
  } catch (error) {
    return error
  }
}
