import { socketStreams, writeAll, type Codec } from '@websocket-star/streams'
import { describe, expect, test } from 'vitest'
import { differenceOfBytes } from '../support/streams.js'
import { differenceOfChunks, finished, openStream, randomChunks, randomSizes, readAll, type Read } from './flows.js'
import { connect, directions, ordered, recorded, settled, someVersions, TestServer, versions } from './sockets.js'

describe.each(versions)('socket.io $server with client $client over $transport', (combination) => {
  describe.each(directions)('%s', (direction) => {
    test.each(['messages', 'bytes'] as const)('bytes arrive as they were sent, as %s', async (framing) => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream(from, to, { codec: 'buffer', sink: { framing }, source: { framing } })
      const chunks = randomChunks()
      const read = readAll(source)
      await writeAll(chunks, sink)

      const { values, error } = await read
      expect(error).toBeUndefined()
      expect(differenceOfBytes(values, chunks)).toBeUndefined()
      if (framing === 'messages') expect(differenceOfChunks(values, chunks)).toBeUndefined()
      else expect(Math.max(...values.map((value) => value.length))).toBeLessThanOrEqual(65_536)
      for (const value of values) expect(value).toBeInstanceOf(Uint8Array)
    })

    test('hex carries bytes as text', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const sent = recorded(from)
      const { sink, source } = await openStream(from, to, { codec: 'hex' })
      const chunks = randomChunks([0, 1, 70_000, 300_001])
      const read = readAll(source)
      await writeAll(chunks, sink)

      const { values } = await read
      expect(differenceOfChunks(values, chunks)).toBeUndefined()
      const queued = sent.filter(([name]) => String(name).includes('.queue.'))
      expect(queued.map(([, wire]) => typeof wire)).toEqual(['string', 'string', 'string', 'string'])
    })

    test('plain carries values', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream(from, to, { codec: 'plain' })
      const values = [0, '', 'text', true, [], [null], { a: { b: ['häß', 1.5] } }, Buffer.from([1, 2]), Buffer.alloc(0)]
      const read = readAll(source)
      await writeAll(values, sink)
      expect((await read).values).toEqual(values)
    })

    test('plain carries binary within values, and counts it alike at both sides', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const { sink, source } = await openStream(from, to, {
        codec: 'plain',
        sink: { highWaterMark: 10_000 },
        source: { window: { initial: 20_000, max: 20_000 } }
      })
      // Far more than the window, so that a difference in counting would halt it.
      const sent = Array.from({ length: 50 }, (_, index) => ({ index, bytes: Buffer.alloc(5000, index) }))
      const read = readAll(source)
      await writeAll(sent, sink)
      const values = (await read).values as typeof sent // as it came, if it came well
      expect(values.map(({ index }) => index)).toEqual(sent.map(({ index }) => index))
      expect(
        differenceOfChunks(
          values.map(({ bytes }) => bytes),
          sent.map(({ bytes }) => bytes)
        )
      ).toBeUndefined()
    })

    test('a codec of your own carries what it makes', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const dates: Codec<Date> = { encode: (date) => date.getTime(), decode: (wire) => new Date(Number(wire)) }
      const { sink, source } = await openStream(from, to, { codec: dates })
      const values = [new Date(0), new Date(1_700_000_000_000)]
      const read = readAll(source)
      await writeAll(values, sink)
      expect((await read).values).toEqual(values)
    })

    test('the receiver may name the stream, and accept it right behind its request', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      const asked = new Promise<void>((resolve) => {
        from.once('send me', (id: string) => {
          const sink = socketStreams(from).createSink(id)
          sink.write('value')
          sink.end()
          resolve()
        })
      })
      socketStreams(from)
      to.emit('send me', 'a name of mine')
      const read = readAll(socketStreams(to).createSource('a name of mine'))
      await asked
      expect(await read).toEqual({ values: ['value'], error: undefined })
    })

    test('a stream given up in the turn it was told of ends at the receiver', async () => {
      const [from, to] = ordered(await connect(combination), direction)
      socketStreams(to)
      const opened = new Promise<Read<unknown>>((resolve) => {
        to.once('stream', (id: string) => resolve(readAll(socketStreams(to).createSource(id))))
      })
      const sink = socketStreams(from).createSink()
      from.emit('stream', sink.id)
      sink.abort('changed my mind')
      const { values, error } = await opened
      expect(values).toEqual([])
      expect(error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'changed my mind' })
    })
  })

  test('both directions at once, under one id', async () => {
    const { client, server } = await connect(combination)
    const [there, back] = [randomChunks(), randomChunks()]
    const options = { codec: 'buffer', id: 'both' } as const
    const [out, home] = [await openStream(client, server, options), await openStream(server, client, options)]
    const reads = [readAll(out.source), readAll(home.source)]
    await Promise.all([writeAll(there, out.sink), writeAll(back, home.sink)])
    const [atServer, atClient] = await Promise.all(reads)
    expect(differenceOfChunks(atServer?.values ?? [], there)).toBeUndefined()
    expect(differenceOfChunks(atClient?.values ?? [], back)).toBeUndefined()
  })

  test('ten streams at once do not mix', async () => {
    const { client, server } = await connect(combination)
    const streams = await Promise.all(
      Array.from({ length: 10 }, async (_, index) => {
        const [from, to] = index % 2 === 0 ? [client, server] : [server, client]
        const chunks = randomChunks(randomSizes().slice(0, 6))
        const id = `stream ${index}`
        const named = socketStreams(from).createSink(id, { codec: 'buffer', framing: 'bytes' })
        const source = socketStreams(to).createSource(id, { codec: 'buffer' })
        return { chunks, sink: named, source }
      })
    )
    const differences = await Promise.all(
      streams.map(async ({ chunks, sink, source }) => {
        const [read] = await Promise.all([readAll(source), writeAll(chunks, sink)])
        return differenceOfBytes(read.values, chunks)
      })
    )
    expect(differences).toEqual(differences.map(() => undefined))
    expect([socketStreams(client).size, socketStreams(server).size]).toEqual([0, 0])
  })
})

test('a message larger than any window may be is followed by others', async () => {
  const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
  const { sink, source } = await openStream(client, server, { codec: 'buffer' })
  const chunks = [Buffer.alloc(40_000_000, 1), Buffer.alloc(1_000_000, 2), Buffer.from('the last')]
  const read = readAll(source)
  await writeAll(chunks, sink)
  expect(differenceOfChunks((await read).values, chunks)).toBeUndefined()
})

test('many small writes are joined', async () => {
  const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
  const sent = recorded(client)
  const { sink, source } = await openStream(client, server, { codec: 'buffer', sink: { framing: 'bytes' } })
  const chunks = Array.from({ length: 10_000 }, (_, index) => Buffer.from(`chunk ${index} `))
  const read = readAll(source)
  const done = finished(sink)
  for (const chunk of chunks) sink.write(chunk)
  sink.end()
  await done
  expect(differenceOfBytes((await read).values, chunks)).toBeUndefined()
  expect(sent.length).toBeLessThan(20)
})

test('what came before a disconnect in the same breath is read', async () => {
  const { client, server } = await connect({ server: 4, client: 4, transport: 'websocket' })
  const { sink, source } = await openStream(client, server, { codec: 'plain' })
  await settled(server, client)
  const read = readAll(source)
  for (let value = 0; value < 10; value++) sink.write(value)
  client.disconnect()
  const { values, error } = await read
  expect(values).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
})

test.each(someVersions)('streams go through a namespace of $server', async ({ server, client }) => {
  const sockets = await (await TestServer.start(server)).connect(client, 'websocket', '/files')
  const { sink, source } = await openStream(sockets.client, sockets.server, { codec: 'plain' })
  const read = readAll(source)
  await writeAll(['value'], sink)
  expect((await read).values).toEqual(['value'])
})
