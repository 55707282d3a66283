import { readableStream, socketStreams, valuesOf, writableStream, writeAll } from '@websocket-star/streams'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { differenceOfBytes } from '../support/streams.js'
import { accepted, openStream, randomChunks, readAll } from './flows.js'
import { connect, directions, ordered, recorded, settled, versions } from './sockets.js'

const WINDOW = 65_536
const window = { initial: WINDOW, max: WINDOW }

/** Bytes of chunks that were sent. */
function queuedBytes(sent: unknown[][]): number {
  const chunks = sent.filter(([name]) => String(name).includes('.queue.')).map(([, chunk]) => chunk as Buffer)
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0)
}

describe.each(versions)('socket.io $server with client $client over $transport', (combination) => {
  test.each(directions)('who does not read holds the sender within the window, %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    const sent = recorded(from)
    const { sink, source } = await openStream(from, to, {
      codec: 'buffer',
      sink: { framing: 'bytes', highWaterMark: 100_000 },
      source: { window }
    })
    const chunks = randomChunks(Array.from({ length: 400 }, () => 1000))
    await accepted(sink)
    let written = 0
    while (written < chunks.length && sink.write(chunks[written] as Buffer)) written++
    written++
    expect(written).toBeLessThan(170)
    // All that may leave has left, and has come: the window, to the byte.
    await eventually('the window to be full', () => source.readableLength === WINDOW)
    await settled(from, to)
    expect(queuedBytes(sent)).toBe(WINDOW)
    expect(source.readableLength).toBe(WINDOW)
    expect(sink.writableLength).toBe(written * 1000 - WINDOW)

    // It reads, and all goes on.
    const drained = new Promise<void>((resolve) => (sink.onDrain = resolve))
    const read = readAll(source)
    await within('the sink to drain', drained)
    await writeAll(chunks.slice(written), sink)
    const { values, error } = await read
    expect(error).toBeUndefined()
    expect(differenceOfBytes(values, chunks)).toBeUndefined()
  })
})

describe('a receiver that stops and goes on', () => {
  test('is followed: it reads a little, and a little more comes', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, {
      codec: 'buffer',
      sink: { framing: 'bytes' },
      source: { window }
    })
    sink.write(Buffer.alloc(10 * WINDOW))
    let read = 0
    source.onData = (value) => {
      read += value.length
      source.pause()
    }
    for (let round = 0; round < 9; round++) {
      await eventually('the window to be full', () => source.readableLength >= WINDOW)
      expect(source.readableLength).toBe(WINDOW)
      // One chunk each time.
      while (source.readableLength > 0) source.resume()
    }
    expect(read).toBe(9 * WINDOW)
  })

  test('gets messages larger than its window one at a time', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, { codec: 'buffer', source: { window } })
    for (let count = 0; count < 3; count++) sink.write(Buffer.alloc(3 * WINDOW, count))
    sink.end()
    await eventually('the first message', () => source.readableLength > 0)
    await settled(client, server)
    expect(source.readableLength).toBe(3 * WINDOW)
    const { values } = await readAll(source)
    expect(values.map((value) => [value.length, value[0]])).toEqual([
      [3 * WINDOW, 0],
      [3 * WINDOW, 1],
      [3 * WINDOW, 2]
    ])
  })
})

describe('who does not read, in streams of another form', () => {
  const chunks = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1000, index))
  const options = { codec: 'buffer', sink: { highWaterMark: 1000 }, source: { window } } as const

  test('of WHATWG holds the writer', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, options)
    const writer = writableStream(sink).getWriter()
    const readable = readableStream(source, { highWaterMark: 10_000 })
    let written = 0
    const writing = (async () => {
      for (const chunk of chunks) {
        await writer.write(chunk)
        written++
      }
      await writer.close()
    })()
    // What the stream has taken is less than what is granted for.
    await eventually('the window to be used up', () => source.readableLength >= WINDOW - 10_000)
    await settled(client, server)
    expect(written).toBeLessThanOrEqual((WINDOW + 3000) / 1000)
    const received: Uint8Array[] = []
    for await (const chunk of readable) received.push(chunk)
    await writing
    expect(differenceOfBytes(received, chunks)).toBeUndefined()
  })

  test('of async iterables holds what is iterated', async () => {
    const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
    const { sink, source } = await openStream(client, server, options)
    let taken = 0
    const values = (function* () {
      for (; taken < chunks.length; taken++) yield chunks[taken] as Buffer
    })()
    const writing = writeAll(values, sink)
    await eventually('the window to be full', () => source.readableLength >= WINDOW)
    await settled(client, server)
    expect(taken).toBeLessThanOrEqual((WINDOW + 3000) / 1000)
    const received: Uint8Array[] = []
    for await (const chunk of valuesOf(source)) received.push(chunk)
    await writing
    expect(differenceOfBytes(received, chunks)).toBeUndefined()
  })
})

test('one stream that nobody reads does not hold the others', async () => {
  const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
  const held = await openStream(client, server, { codec: 'buffer', source: { window } })
  held.sink.write(Buffer.alloc(WINDOW))
  held.sink.write(Buffer.alloc(1_000_000))
  const chunks = randomChunks()
  const { sink, source } = await openStream(client, server, { codec: 'buffer' })
  const read = readAll(source)
  await writeAll(chunks, sink)
  expect(differenceOfBytes((await read).values, chunks)).toBeUndefined()
  expect(held.source.readableLength).toBe(WINDOW)
  expect(held.sink.writableLength).toBe(1_000_000)
})

describe('a receiver that knows no windows', () => {
  test.each(directions)('is sent no more than the socket takes at once, %s', async (direction) => {
    const [from, to] = ordered(await connect({ server: 4, client: 4, transport: 'websocket' }), direction)
    const sent = recorded(from)
    const sink = socketStreams(from).createSink('id', { codec: 'buffer' })
    to.emit('socket.io-pull-stream.accept.id')
    await accepted(sink)
    // All in one turn: nothing leaves the process meanwhile.
    let written = 0
    while (written < 100_000_000 && sink.write(Buffer.alloc(65_536))) written += 65_536
    expect(written).toBeGreaterThan(1_000_000)
    expect(queuedBytes(sent)).toBeLessThanOrEqual(1_048_576 + 2 * 65_536)
    await new Promise<void>((resolve) => (sink.onDrain = resolve))
    sink.end()
    await eventually('all to be sent', () => sink.closed)
    expect(queuedBytes(sent)).toBe(written + 65_536)
  })
})
