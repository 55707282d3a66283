import { socketStreams, writeAll } from '@websocket-star/streams'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { differenceOfBytes } from '../support/streams.js'
import { openStream, randomChunks, readAll } from './flows.js'
import { heard, TestServer, type TestSocket } from './sockets.js'

/** Names of the events that a server keeps for clients that come back. */
function keptBy(socket: TestSocket): unknown[] {
  // socket.io's own adapter, in the version that is installed
  const { nsp } = socket as unknown as { nsp: { adapter: { packets: { data: unknown[] }[] } } }
  return nsp.adapter.packets.map(({ data }) => data[0])
}

const codec = { codec: 'buffer', sink: { framing: 'bytes' }, source: { framing: 'bytes' } } as const

describe('a server that recovers connections', () => {
  test('keeps no event of streams, and those of the application as ever', async () => {
    const { client, server } = await (await TestServer.start(4, { connectionStateRecovery: {} })).connect(4)
    const chunks = randomChunks(Array.from({ length: 50 }, () => 65_536))
    const news = heard(client, 'news')
    server.emit('news', 1)
    for (const [from, to] of [
      [server, client],
      [client, server]
    ] as const) {
      const { sink, source } = await openStream(from, to, codec)
      const read = readAll(source)
      await writeAll(chunks, sink)
      expect(differenceOfBytes((await read).values, chunks)).toBeUndefined()
    }
    expect((await news)[0]).toBe(1)
    expect(keptBy(server)).toEqual(['news', 'stream'])
  })

  test('recovers a connection without the streams that were open on it', async () => {
    const star = await TestServer.start(4, { connectionStateRecovery: {} })
    const { client, server } = await star.connect(4, 'websocket', '/', { reconnection: true, reconnectionDelay: 10 })
    const { sink, source } = await openStream(server, client, { codec: 'plain' })
    sink.write('value')
    await eventually('the value', () => source.readableLength > 0)
    const back = heard(client, 'connect')
    ;(client as unknown as { io: { engine: { close(): void } } }).io.engine.close()
    sink.write('lost')
    expect((await readAll(source)).error).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    await back
    expect((client as unknown as { recovered: boolean }).recovered).toBe(true)
    expect([socketStreams(client).size, socketStreams(server).size]).toEqual([0, 0])
  })
})

test('a client that repeats its events until they are acknowledged does not do so with streams', async () => {
  const options = { retries: 2, ackTimeout: 60_000 }
  const { client, server } = await (await TestServer.start(4)).connect(4, 'websocket', '/', options)
  const chunks = randomChunks(Array.from({ length: 50 }, () => 65_536))
  server.on('id', (_id: string, answer: () => void) => answer())
  const sink = socketStreams(client).createSink(undefined, { codec: 'buffer' })
  const source = socketStreams(server).createSource(sink.id, { codec: 'buffer' })
  const read = readAll(source)
  await writeAll(chunks, sink)
  expect(differenceOfBytes((await read).values, chunks)).toBeUndefined()
  expect((client as unknown as { _queue: unknown[] })._queue).toEqual([])
  expect(client.connected).toBe(true)
})
