import { socketStreams, writeAll, type ProxyOptions } from '@websocket-star/streams'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { differenceOfBytes, paced, pull } from '../support/streams.js'
import { accepted, differenceOfChunks, finished, randomChunks, readAll } from './flows.js'
import { legacy } from './legacy.js'
import { heard, recorded, settled, TestServer, type Major } from './sockets.js'

const WINDOW = 65_536
const window = { initial: WINDOW, max: WINDOW }
const majors: Major[] = [2, 3, 4]
const pairs = majors.flatMap((from) => majors.map((to) => ({ from, to })))

/** Two clients, each of a server of its own version, and a proxy between the servers' sockets. */
async function proxied({ from, to }: { from: Major; to: Major }, options?: ProxyOptions) {
  const [near, far] = await Promise.all([from, to].map(async (major) => (await TestServer.start(major)).connect(major)))
  if (near === undefined || far === undefined) throw new Error('Two were asked for')
  const proxy = socketStreams(near.server).createProxy('id', far.server, options)
  const size = (): number => socketStreams(near.server).size + socketStreams(far.server).size
  return { near, far, proxy, size }
}

describe.each(pairs)('from socket.io $from to $to', (versions) => {
  test('bytes arrive as they were sent, whoever is first', async () => {
    const { near, far, proxy, size } = await proxied(versions)
    const sink = socketStreams(near.client).createSink('id', { codec: 'buffer' })
    const chunks = randomChunks()
    const written = writeAll(chunks, sink)
    await settled(near.client, near.server)
    expect(sink.accepted).toBe(false)
    const { values, error } = await readAll(socketStreams(far.client).createSource('id', { codec: 'buffer' }))
    expect(error).toBeUndefined()
    expect(differenceOfChunks(values, chunks)).toBeUndefined()
    await written
    expect(await within('the proxy to close', proxy.closed)).toBeUndefined()
    expect(size()).toBe(0)
  })

  test('values arrive as they were sent', async () => {
    const { near, far } = await proxied(versions)
    const values = [0, '', 'text', true, { a: [null] }, { bytes: Buffer.from([1, 2]) }, Buffer.from([3])]
    const read = readAll(socketStreams(far.client).createSource('id'))
    await writeAll(values, socketStreams(near.client).createSink('id'))
    expect((await read).values).toEqual(values)
  })

  test('a slow receiver holds the sender, and the proxy keeps no more than it may', async () => {
    const { near, far } = await proxied(versions)
    const passed = recorded(far.server)
    const sink = socketStreams(near.client).createSink('id', { codec: 'buffer', framing: 'bytes' })
    const source = socketStreams(far.client).createSource('id', { codec: 'buffer', window })
    await accepted(sink)
    const chunks = randomChunks(Array.from({ length: 300 }, () => 10_000))
    const written = writeAll(chunks, sink)
    await eventually('the receiver to be full', () => source.readableLength >= WINDOW)
    // Both halves come to rest: the sender's window is used up, and the proxy's sink has all it takes.
    let [before, after] = [-1, 0]
    while (before !== after) {
      before = sink.writableLength
      await settled(near.client, near.server)
      await settled(far.server, far.client)
      after = sink.writableLength
    }
    const queued = passed.filter(([name]) => String(name).includes('.queue.')).map(([, chunk]) => chunk as Buffer)
    expect(queued.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2 * WINDOW)
    // What the sender got rid of is with the receiver or the proxy: two windows, a high water mark, a chunk.
    expect(sink.writableLength).toBeGreaterThan(0)
    const { values } = await readAll(source)
    await written
    expect(differenceOfBytes(values, chunks)).toBeUndefined()
  })

  test.each(['before the receiver accepts', 'after'])('a sender that gives up, %s', async (when) => {
    const { near, far, proxy, size } = await proxied(versions)
    const sink = socketStreams(near.client).createSink('id')
    if (when === 'before the receiver accepts') {
      const told = heard(far.client, 'socket.io-pull-stream.error.id')
      sink.abort('the disk is full')
      expect(await told).toEqual(['the disk is full'])
    } else {
      const read = readAll(socketStreams(far.client).createSource('id'))
      await accepted(sink)
      sink.abort('the disk is full')
      expect((await read).error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
    }
    expect(await within('the proxy to close', proxy.closed)).toMatchObject({ reason: 'the disk is full' })
    expect(size()).toBe(0)
  })

  test.each(['at once', 'after the sender knew'])('a receiver that gives up, %s', async (when) => {
    const { near, far, proxy, size } = await proxied(versions)
    const sink = socketStreams(near.client).createSink('id')
    const failed = finished(sink)
    const source = socketStreams(far.client).createSource('id')
    if (when === 'after the sender knew') await accepted(sink)
    source.abort('no more room')
    expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no more room' })
    expect(await within('the proxy to close', proxy.closed)).toMatchObject({ reason: 'no more room' })
    expect(size()).toBe(0)
  })

  test.each([
    ['the sender', 'before'],
    ['the sender', 'after'],
    ['the receiver', 'before'],
    ['the receiver', 'after']
  ])('%s goes, %s the stream was accepted', async (who, when) => {
    const { near, far, proxy, size } = await proxied(versions)
    const sink = socketStreams(near.client).createSink('id')
    const done = finished(sink)
    const told = heard(far.client, 'socket.io-pull-stream.error.id').catch(() => {})
    if (when === 'after') {
      const source = socketStreams(far.client).createSource('id')
      await accepted(sink)
      expect(source.closed).toBe(false)
    }
    ;(who === 'the sender' ? near : far).client.disconnect()
    expect(await within('the proxy to close', proxy.closed)).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
    if (who === 'the receiver') expect(await done).toMatchObject({ code: 'ERR_STREAM_RESET' })
    // A socket of version 2 whose stream is open hides its events from others: the source knows.
    else if (when === 'before') expect(await told).toEqual([expect.stringContaining('connection was lost')])
    else await eventually('the receiver to know', () => socketStreams(far.client).size === 0)
    expect(size()).toBe(0)
  })
})

test('a chunk that cannot be passed on ends the stream, and not the server', async () => {
  const { near, far, proxy } = await proxied({ from: 4, to: 4 })
  const sink = socketStreams(near.client).createSink('id')
  const read = readAll(socketStreams(far.client).createSource('id'))
  await accepted(sink)
  const failed = finished(sink)
  near.client.emit('socket.io-pull-stream.queue.id', null)
  expect(await failed).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'Unreadable chunk' })
  expect((await read).error).toMatchObject({ code: 'ERR_STREAM_RESET' })
  expect(await within('the proxy to close', proxy.closed)).toMatchObject({ code: 'ERR_STREAM_CODEC' })
})

test('a receiver that never accepts ends both sides', async () => {
  const { near, far, proxy, size } = await proxied({ from: 4, to: 4 }, { acceptTimeout: 100 })
  socketStreams(far.client)
  const sink = socketStreams(near.client).createSink('id')
  expect(await finished(sink)).toMatchObject({ reason: 'Stream was not accepted in time' })
  expect(await within('the proxy to close', proxy.closed)).toMatchObject({ code: 'ERR_STREAM_NOT_ACCEPTED' })
  const late = await readAll(socketStreams(far.client).createSource('id'))
  expect(late.error).toMatchObject({ reason: 'Stream was not accepted in time' })
  expect(size()).toBe(0)
})

test('a sender that ignores windows is ended beyond the tolerance', async () => {
  const { near, far, proxy, size } = await proxied({ from: 2, to: 4 }, { tolerance: 1_000_000 })
  // A reader that does not read, so that the server has to keep what comes.
  const source = socketStreams(far.client).createSource('id', { codec: 'buffer', window })
  const sink = legacy(near.client, 'buffer').createSink('id')
  pull(paced(Array.from({ length: 100 }, () => Buffer.alloc(65_536))), sink)
  await eventually('the sender to be ended', () => socketStreams(near.server).size === 0)
  // What came within the tolerance can still be read.
  const { values, error } = await readAll(source)
  expect(values.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2_000_000)
  expect(error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: expect.stringContaining('window allows') })
  expect(await within('the proxy to close', proxy.closed)).toMatchObject({ code: 'ERR_STREAM_PROTOCOL' })
  expect(size()).toBe(0)
})
