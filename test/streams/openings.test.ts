import { socketStreams, type Sink, type Source } from '@websocket-star/streams'
import { within } from '@websocket-star/testkit'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Source as PullSource } from '../support/legacy-types.js'
import { pull, receive } from '../support/streams.js'
import { accepted, finished, openStream, readAll } from './flows.js'
import { legacy } from './legacy.js'
import { connect, directions, heard, ordered, recorded, settled, someVersions, type TestSocket } from './sockets.js'

type Middleware = (packet: unknown, next: () => void) => void

const kept = { client: 4, server: 4, transport: 'websocket' } as const

/** Sends a value on a new sink, and ends it. */
function send(socket: TestSocket, id: string): Sink<unknown> {
  const sink = socketStreams(socket).createSink(id)
  sink.write('value')
  sink.end()
  return sink
}

/** Asks for a stream: first the event, then the source. */
function request(socket: TestSocket, id: string): Source<unknown> {
  socket.emit('file', id)
  return socketStreams(socket).createSource(id)
}

describe.each(someVersions)('socket.io $server', (combination) => {
  test.each(directions)('a stream that the receiver requests arrives at the first use: %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    from.on('file', (id: string) => void send(from, id))
    for (const id of ['first', 'second']) {
      expect(await readAll(request(to, id))).toEqual({ values: ['value'], error: undefined })
    }
  })

  test.each(['at the first use', 'later'])('and so it does behind middleware that takes time, %s', async (when) => {
    const { client, server } = await connect(combination)
    // All versions of servers' sockets have it.
    const { use } = server as TestSocket & { use(middleware: Middleware): void }
    use.call(server, (_packet, next) => void setTimeout(next, 50))
    if (when === 'later') socketStreams(server)
    server.on('file', (id: string) => void send(server, id))
    expect(await readAll(request(client, 'id'))).toEqual({ values: ['value'], error: undefined })
  })

  test.each(directions)('and after the handler waited for something: %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    socketStreams(from)
    from.on('file', async (id: string) => {
      await delay(50)
      send(from, id)
    })
    expect(await readAll(request(to, 'id'))).toEqual({ values: ['value'], error: undefined })
  })

  test('a receiver that gave up at once ends the sender at its first use', async () => {
    const { client, server } = await connect(combination)
    const sent = new Promise<Sink<unknown>>((resolve) => {
      server.on('file', (id: string) => resolve(socketStreams(server).createSink(id)))
    })
    request(client, 'id').abort('no more room')
    expect(await finished(await within('the sink', sent))).toMatchObject({ reason: 'no more room' })
  })

  test.each(directions)('a sink that is not accepted fails, and says so to who comes later: %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    socketStreams(to)
    const sink = socketStreams(from).createSink('id', { acceptTimeout: 50 })
    sink.write('value')
    expect(await finished(sink)).toMatchObject({ code: 'ERR_STREAM_NOT_ACCEPTED' })
    await settled(from, to)
    const { values, error } = await readAll(socketStreams(to).createSource('id'))
    expect(values).toEqual([])
    expect(error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'Stream was not accepted in time' })
  })

  test.each(directions)('a sender that gave up tells why to who comes later: %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    socketStreams(from).createSink('id').abort('the disk is full')
    await settled(from, to)
    const { error } = await readAll(socketStreams(to).createSource('id'))
    expect(error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'the disk is full' })
  })

  test.each(directions)('a source of a stream that nobody sends fails: %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    socketStreams(from)
    const { error } = await readAll(socketStreams(to).createSource('id'))
    expect(error).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'Unknown stream' })
  })

  test.each(directions)('a sink that is read by nobody fails, and is told once: %s', async (direction) => {
    const [from, to] = ordered(await connect(combination), direction)
    const told = recorded(to)
    socketStreams(to)
    const sink = socketStreams(from).createSink('id')
    const done = finished(sink)
    to.emit('socket.io-pull-stream.accept.id', { window: 1_000_000 })
    await accepted(sink)
    for (let count = 0; count < 10; count++) sink.write('value')
    expect(await done).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'Unknown stream' })
    await settled(from, to)
    expect(told.filter(([name]) => name === 'socket.io-pull-stream.error.id')).toHaveLength(1)
  })
})

test('one id in both directions: a chunk that nobody reads does not end the other direction', async () => {
  const { client, server } = await connect(kept)
  const { sink, source } = await openStream(client, server, { codec: 'plain', id: 'both' })
  await accepted(sink)
  server.emit('socket.io-pull-stream.queue.both', 'a stray chunk')
  await settled(server, client)
  const read = readAll(source)
  sink.write('value')
  sink.end()
  expect(await read).toEqual({ values: ['value'], error: undefined })
})

describe('with socket.io-pull-stream', () => {
  const old = { client: 2, server: 2, transport: 'websocket' } as const

  test('a receiver of a stream that nobody sends gets an error', async () => {
    const { client, server } = await connect(old)
    socketStreams(server)
    const { chunks, end } = await receive(legacy(client).createSource('id') as PullSource<never>)
    expect([chunks, end]).toEqual([[], 'Unknown stream'])
  })

  test('a sender that nobody reads is not harmed, nor answered twice', async () => {
    const { client, server } = await connect(old)
    socketStreams(server)
    const told = recorded(server)
    const sink = legacy(client).createSink('id')
    server.emit('socket.io-pull-stream.accept.id')
    await settled(server, client)
    const end = heard(server, 'socket.io-pull-stream.error.id')
    pull(pull.values(['one', 'two', 'three']), sink)
    expect(await end).toEqual([true])
    expect(told.filter(([name]) => String(name).includes('.error.'))).toHaveLength(1)
    expect(client.connected).toBe(true)
  })

  test.each(directions)('on the same socket, its streams are left alone: %s', async (direction) => {
    const [from, to] = ordered(await connect(old), direction)
    for (const socket of [from, to]) socketStreams(socket)
    const sink = legacy(from).createSink('id')
    const read = receive(legacy(to).createSource('id') as PullSource<never>)
    // Longer than an acceptance is kept.
    await delay(1_500)
    pull(pull.values(['one', 'two']), sink)
    expect(await read).toEqual({ chunks: ['one', 'two'], end: true })
  })
})
