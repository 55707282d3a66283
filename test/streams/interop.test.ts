import { socketStreams, writeAll, type CodecName } from '@websocket-star/streams'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import type { End, Source as PullSource } from '../support/legacy-types.js'
import { paced, pull, receive } from '../support/streams.js'
import { accepted, differenceOfChunks, finished, randomChunks, readAll } from './flows.js'
import { legacy, type LegacySocket } from './legacy.js'
import { directions, ordered, recorded, settled, TestServer, type Versions } from './sockets.js'

/** What the old module was made for, and what it works with all the same, as an emitter of events. */
const combinations: Versions[] = [
  { server: 2, client: 2, transport: 'websocket' },
  { server: 2, client: 2, transport: 'polling' },
  { server: 4, client: 4, transport: 'websocket' }
]

/** A source that ends in its own way. */
function thenEnd(values: unknown[], end: End): PullSource<unknown> {
  const left = [...values]
  return (_abort, callback) => {
    if (left.length > 0) setImmediate(callback, null, left.shift())
    else callback(end)
  }
}

/** How a stream gets from one client to another. */
type Way = 'direct' | 'our proxy' | 'the old proxy'
const ways: Way[] = ['direct', 'our proxy', 'the old proxy']

/**
 * A sender's and a receiver's socket, of one connection or of two with a proxy between them for the stream `id`, and what
 * waits until all that was sent has arrived.
 */
async function sockets(versions: Versions, way: Way, direction: (typeof directions)[number], id: string) {
  const { server, client, transport } = versions
  const star = await TestServer.start(server)
  const first = await star.connect(client, transport)
  if (way === 'direct') {
    const [from, to] = ordered(first, direction)
    return [from, to, () => settled(from, to)] as const
  }
  const second = await star.connect(client, transport)
  const [from, to] = direction === 'client to server' ? [first, second] : [second, first]
  if (way === 'our proxy') socketStreams(from.server).createProxy(id, to.server)
  else {
    legacy(to.server)
    legacy(from.server).createProxy(id, to.server)
  }
  const settle = async (): Promise<void> => {
    await settled(from.client, from.server)
    await settled(to.server, to.client)
  }
  return [from.client, to.client, settle] as const
}

describe.each(combinations)('socket.io $server over $transport', (versions) => {
  describe.each(ways)('by way of %s', (way) => {
    describe.each(way === 'direct' ? directions : directions.slice(0, 1))('%s', (direction) => {
      const open = (id: string): ReturnType<typeof sockets> => sockets(versions, way, direction, id)

      describe('an old sink to a new source', () => {
        test.each<CodecName>(['buffer', 'hex', 'plain'])('in the codec %s', async (codec) => {
          const [from, to] = await open('id')
          const sink = legacy(from, codec).createSink('id')
          const source = socketStreams(to).createSource('id', { codec })
          const read = readAll(source)
          // What the old one makes of nothing depends on its codec, and is not always something.
          const chunks = randomChunks([1, 60, 1000, 65_536, 65_537, 200_000])
          pull(paced(chunks), sink)
          const { values, error } = await read
          expect(error).toBeUndefined()
          expect(differenceOfChunks(values as Uint8Array[], chunks)).toBeUndefined()
          expect(socketStreams(to).size).toBe(0)
        })

        test('that does not read: what comes waits', async () => {
          const [from, to] = await open('id')
          const source = socketStreams(to).createSource('id', { codec: 'buffer', window: { initial: 1000, max: 1000 } })
          const chunks = randomChunks([30_000, 30_000, 30_000])
          pull(paced(chunks), legacy(from).createSink('id'))
          // The old one knows no windows, and no proxy of ours between them lets go of more than there is room for.
          await eventually('the stream to come', () => source.readableLength >= (way === 'our proxy' ? 30_000 : 90_000))
          const { values } = await readAll(source)
          expect(differenceOfChunks(values, chunks)).toBeUndefined()
        })

        test.each<[string, End, object | undefined]>([
          ['as it should', true, undefined],
          ['with a text', 'the disk is full', { code: 'ERR_STREAM_RESET', reason: 'the disk is full' }],
          // What is left of an error in JSON is {}.
          ['with an error', new Error('the disk is full'), { code: 'ERR_STREAM_RESET', reason: 'stream error' }]
        ])('that ends %s', async (_name, end, error) => {
          const [from, to] = await open('id')
          const read = readAll(socketStreams(to).createSource('id'))
          pull(thenEnd(['one', 'two'], end), legacy(from).createSink('id'))
          const received = await read
          expect(received.values).toEqual(['one', 'two'])
          if (error === undefined) expect(received.error).toBeUndefined()
          else expect(received.error).toMatchObject(error)
        })

        test('that has enough: the old one is not stopped, but nothing is kept', async () => {
          const [from, to, settle] = await open('id')
          const source = socketStreams(to).createSource('id')
          const sent = recorded(from)
          const sink = legacy(from).createSink('id')
          source.abort('enough')
          pull(paced(randomChunks([1000, 1000])), sink)
          await eventually('all to be sent', () => sent.some(([name]) => name === 'socket.io-pull-stream.error.id'))
          await settle()
          expect([source.readableLength, socketStreams(to).size]).toEqual([0, 0])
        })

        test('that loses the connection', async () => {
          const [from, to] = await open('id')
          const source = socketStreams(to).createSource('id')
          pull(thenNothing(['one']), legacy(from).createSink('id'))
          await eventually('the value', () => source.readableLength > 0)
          to.disconnect()
          const { values, error } = await readAll(source)
          expect(values).toEqual(['one'])
          expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
        })
      })

      describe('a new sink to an old source', () => {
        test.each<CodecName>(['buffer', 'hex', 'plain'])('in the codec %s', async (codec) => {
          const [from, to] = await open('id')
          const sent = recorded(from)
          const source = legacy(to, codec).createSource('id')
          const sink = socketStreams(from).createSink('id', { codec })
          const chunks = randomChunks([1, 0, 60, 1000, 65_536, 65_537, 200_000])
          const [{ chunks: received, end }] = await Promise.all([
            receive(source as PullSource<Buffer>),
            writeAll(chunks, sink)
          ])
          expect(end).toBe(true)
          // The old proxy and the old sink leave out what is empty text.
          const arrived =
            way === 'the old proxy' && codec === 'hex' ? chunks.filter(({ length }) => length > 0) : chunks
          expect(differenceOfChunks(received, arrived)).toBeUndefined()

          // Chunks, and `true` at the end: nothing an old source takes for something else.
          const frames = sent.filter(([name]) => String(name).startsWith('socket.io-pull-stream.'))
          expect(frames.map(([name]) => name)).toEqual([
            ...chunks.map(() => 'socket.io-pull-stream.queue.id'),
            'socket.io-pull-stream.error.id'
          ])
          expect(frames.at(-1)?.slice(1)).toEqual([true])
          for (const [, chunk] of frames) expect([null, undefined, false]).not.toContain(chunk)
        })

        test('as bytes: what was small is joined', async () => {
          const [from, to] = await open('id')
          const source = legacy(to, 'buffer').createSource('id')
          const sink = socketStreams(from).createSink('id', { codec: 'buffer', framing: 'bytes' })
          const chunks = randomChunks(Array.from({ length: 100 }, () => 10))
          const [{ chunks: received, end }] = await Promise.all([
            receive(source as PullSource<Buffer>),
            writeAll(chunks, sink)
          ])
          expect(end).toBe(true)
          expect(Buffer.concat(received).equals(Buffer.concat(chunks))).toBe(true)
          expect(received.length).toBeLessThan(10)
        })

        test('values that are no bytes', async () => {
          const [from, to] = await open('id')
          const source = legacy(to).createSource('id')
          const values = ['text', 1, true, { a: [1] }]
          const [{ chunks }] = await Promise.all([
            receive(source as PullSource<never>),
            writeAll(values, socketStreams(from).createSink('id'))
          ])
          expect(chunks).toEqual(values)
        })

        test.each([null, undefined, false])('%s is refused, not sent', async (value) => {
          const [from, to] = await open('id')
          const sent = recorded(from)
          const source = receive(legacy(to).createSource('id') as PullSource<Buffer>)
          const sink = socketStreams(from).createSink('id')
          await accepted(sink)
          expect(() => sink.write(value)).toThrow(expect.objectContaining({ code: 'ERR_STREAM_CODEC' }))
          sink.end()
          expect((await source).end).toBe(true)
          expect(sent.filter(([name]) => String(name).includes('.queue.'))).toEqual([])
        })

        test('that gives up says why', async () => {
          const [from, to] = await open('id')
          const source = receive(legacy(to).createSource('id') as PullSource<never>)
          const sink = socketStreams(from).createSink('id')
          await accepted(sink)
          sink.write('one')
          sink.abort(new Error('the disk is full'))
          expect(await source).toEqual({ chunks: ['one'], end: 'the disk is full' })
        })

        test('that loses the connection: the old one takes it for an end', async () => {
          const [from, to] = await open('id')
          const source = receive(legacy(to).createSource('id') as PullSource<never>)
          const sink = socketStreams(from).createSink('id')
          const done = finished(sink)
          await accepted(sink)
          to.disconnect()
          expect((await source).end).toBe(true)
          from.disconnect()
          expect(await done).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
        })
      })
    })
  })

  describe.each(['new to old', 'old to new', 'old to old', 'new to new'])('%s clients', (who) => {
    const [sender = '', receiver = ''] = who.split(' to ')

    test.each(ways.slice(1))('through %s', async (way) => {
      const [from, to] = await sockets(versions, way, 'client to server', 'id')
      const chunks = randomChunks([1, 1000, 65_536, 200_000])
      const received =
        receiver === 'old'
          ? receive(legacy(to, 'buffer').createSource('id') as PullSource<Buffer>).then(({ chunks }) => chunks)
          : readAll(socketStreams(to).createSource('id', { codec: 'buffer' })).then(({ values }) => values)
      if (sender === 'old') pull(paced(chunks), legacy(from, 'buffer').createSink('id'))
      else await writeAll(chunks, socketStreams(from).createSink('id', { codec: 'buffer' }))
      expect(differenceOfChunks(await received, chunks)).toBeUndefined()
    })
  })

  test('old and new share a socket', async () => {
    const { client, server } = await (await TestServer.start(versions.server)).connect(versions.client)
    const both: LegacySocket[] = [legacy(client, 'buffer'), legacy(server, 'buffer')]
    const [near, far] = both as [LegacySocket, LegacySocket]
    const [old, ours] = [randomChunks([1000, 2000]), randomChunks([3000, 4000])]
    const oldRead = receive(far.createSource('old') as PullSource<Buffer>)
    const ourRead = readAll(socketStreams(far).createSource('new', { codec: 'buffer' }))
    pull(paced(old), near.createSink('old'))
    await writeAll(ours, socketStreams(near).createSink('new', { codec: 'buffer' }))
    expect(differenceOfChunks((await oldRead).chunks, old)).toBeUndefined()
    expect(differenceOfChunks((await ourRead).values, ours)).toBeUndefined()
  })
})

/** A source that never says it is done. */
function thenNothing(values: unknown[]): PullSource<unknown> {
  const left = [...values]
  return (_abort, callback) => {
    if (left.length > 0) callback(null, left.shift())
  }
}
