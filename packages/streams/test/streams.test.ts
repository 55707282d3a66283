import { beforeEach, describe, expect, expectTypeOf, test } from 'vitest'
import type { Sink } from '../src/sink.js'
import type { Source } from '../src/source.js'
import { socketStreams, type SocketStreams } from '../src/streams.js'
import { FakeSocket, joinedSockets, turns } from './fake-socket.js'

let socket: FakeSocket
let streams: SocketStreams

beforeEach(() => {
  socket = new FakeSocket()
  streams = socketStreams(socket)
})

describe('the streams of a socket', () => {
  test('are the same object each time', () => {
    expect(socketStreams(socket)).toBe(streams)
    expect(socketStreams(new FakeSocket())).not.toBe(streams)
  })

  test('listen once, however many there are', () => {
    for (let count = 0; count < 100; count++) {
      streams.createSink()
      streams.createSource(`${count}`)
    }
    expect(streams.size).toBe(200)
    expect([socket.anyListeners.length, socket.listenerCount('disconnect')]).toEqual([1, 1])
  })

  test('leave nothing when they are closed', () => {
    const errors: unknown[] = []
    const sink = streams.createSink('out')
    const source = streams.createSource('in')
    sink.onFinish = source.onEnd = (error) => errors.push(error?.code)
    streams.close('the page is left')
    streams.close('again')
    expect(errors).toEqual(['ERR_STREAM_ABORTED', 'ERR_STREAM_ABORTED'])
    expect(socket.sent.slice(1)).toEqual([
      ['error', 'out', 'the page is left'],
      ['error', 'in', 'the page is left']
    ])
    expect([socket.anyListeners.length, socket.listenerCount('disconnect'), streams.size]).toEqual([0, 0, 0])
    expect(socket.connected).toBe(true)
  })

  test('are discarded without a word to the other side', () => {
    const [sink, source] = [streams.createSink('out'), streams.createSource('in')]
    const before = socket.sent.length
    streams.discard('the page is left')
    expect([sink.error?.code, source.error?.code]).toEqual(['ERR_STREAM_ABORTED', 'ERR_STREAM_ABORTED'])
    expect(socket.sent).toHaveLength(before)
    expect([socket.anyListeners.length, socket.listenerCount('disconnect'), streams.size]).toEqual([0, 0, 0])
  })

  test('can be had again after that', () => {
    streams.close()
    const again = socketStreams(socket)
    expect(again).not.toBe(streams)
    again.createSource('id')
    expect(socket.sentOf('accept')).toHaveLength(1)
  })

  test('that are made after the close fail, and say nothing', async () => {
    streams.close()
    const [sink, source] = [streams.createSink('out'), streams.createSource('in')]
    await turns()
    expect([sink.error?.code, source.error?.code]).toEqual(['ERR_CONNECTION_LOST', 'ERR_CONNECTION_LOST'])
    expect(socket.sent).toEqual([])
  })

  test('are forgotten when they end', () => {
    const sink = streams.createSink('out')
    const source = streams.createSource('in')
    expect(['out', 'in', 'neither'].map((id) => streams.has(id))).toEqual([true, true, false])
    socket.hear('accept', 'out')
    sink.end()
    socket.hear('error', 'in', true)
    expect([sink.closed, source.closed, streams.size]).toEqual([true, true, 0])
    expect(['out', 'in'].map((id) => streams.has(id))).toEqual([false, false])
  })
})

describe('ids', () => {
  test('are made where none is given, no two alike', () => {
    const ids = new Set(Array.from({ length: 100 }, () => streams.createSink().id))
    expect(ids.size).toBe(100)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/)
  })

  test('in use are refused on the same side, and can be used again after the end', () => {
    const inUse = expect.objectContaining({ code: 'ERR_STREAM_ID_IN_USE', stream: 'id' })
    const sink = streams.createSink('id')
    const source = streams.createSource('id')
    expect(() => streams.createSink('id')).toThrow(inUse)
    expect(() => streams.createSource('id')).toThrow(inUse)
    sink.abort()
    source.abort()
    expect([streams.createSink('id').closed, streams.createSource('id').closed]).toEqual([false, false])
  })

  test('may have dots in them', () => {
    const source = streams.createSource('a.b.queue.c')
    socket.hear('queue', 'a.b.queue.c', 'value')
    expect(source.readableLength).toBe(5)
  })

  test('of both directions: the sender is believed about what it sends, then about what it receives', () => {
    const [sink, source] = [streams.createSink('id'), streams.createSource('id')]
    socket.hear('error', 'id', 'first')
    expect([source.closed, sink.closed]).toEqual([true, false])
    socket.hear('error', 'id', 'second')
    expect(sink.error).toMatchObject({ reason: 'second' })
  })
})

describe('types', () => {
  test('follow the codec', () => {
    expectTypeOf(streams.createSink('a', { codec: 'buffer' })).toEqualTypeOf<Sink<Uint8Array>>()
    expectTypeOf(streams.createSink('b')).toEqualTypeOf<Sink<unknown>>()
    expectTypeOf(streams.createSource('c', { codec: 'hex' })).toEqualTypeOf<Source<Uint8Array>>()
    const dates = { encode: (date: Date) => date.getTime(), decode: (wire: unknown) => new Date(Number(wire)) }
    expectTypeOf(streams.createSource('d', { codec: dates })).toEqualTypeOf<Source<Date>>()
  })
})

describe('what comes for a stream that is not there yet', () => {
  test('is told once it is, in the same turn of the event loop', async () => {
    socket.hear('accept', 'out')
    socket.hear('error', 'in', 'given up')
    const [sink, source] = [streams.createSink('out'), streams.createSource('in')]
    expect([sink.accepted, source.closed]).toEqual([false, false])
    await turns(2)
    expect(sink.accepted).toBe(true)
    expect(source.error).toMatchObject({ reason: 'given up' })
  })

  test('is told in order', async () => {
    socket.hear('accept', 'out')
    socket.hear('error', 'out', 'changed my mind')
    const sink = streams.createSink('out')
    const told: string[] = []
    sink.onAccept = () => told.push('accept')
    sink.onFinish = (error) => told.push(String(error?.code))
    await turns(2)
    expect(told).toEqual(['accept', 'ERR_STREAM_RESET'])
  })

  test('waits a while if it is an acceptance, and no longer than its task if it is an end', async () => {
    socket.hear('accept', 'out')
    socket.hear('error', 'in', 'given up')
    await turns(2)
    const [sink, source] = [streams.createSink('out'), streams.createSource('in')]
    await turns(2)
    expect([sink.accepted, source.closed]).toEqual([true, false])
  })

  test('is nothing that anyone else should not hear', () => {
    const heard: unknown[] = []
    socket.onAny((name) => heard.push(name))
    socket.hear('accept', 'out')
    expect(heard).toEqual(['socket.io-pull-stream.accept.out'])
  })
})

describe('without a connection', () => {
  test('streams fail, once who makes them had time to listen', async () => {
    socket.connected = false
    const told: unknown[] = []
    const [sink, source] = [streams.createSink(), streams.createSource('in')]
    sink.onFinish = source.onEnd = (error) => told.push(error?.code)
    expect(told).toEqual([])
    await turns()
    expect(told).toEqual(['ERR_CONNECTION_LOST', 'ERR_CONNECTION_LOST'])
    expect(socket.sent).toEqual([])
  })

  test('that is lost, all fail, and say why', () => {
    const [sink, source] = [streams.createSink(), streams.createSource('in')]
    socket.disconnect('ping timeout')
    expect(sink.error).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: 'ping timeout' })
    expect(source.error).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: 'ping timeout' })
    expect(streams.size).toBe(0)
  })
})

test('two sides exchange values, and end', async () => {
  const [here, there] = joinedSockets()
  const sink = socketStreams(here).createSink('id')
  const source = socketStreams(there).createSource('id')
  const received: unknown[] = []
  const ended = new Promise((resolve) => (source.onEnd = resolve))
  source.onData = (value) => received.push(value)
  source.resume()
  for (const value of ['a', 1, { b: 2 }]) sink.write(value)
  sink.end()
  expect(await ended).toBeUndefined()
  expect(received).toEqual(['a', 1, { b: 2 }])
  expect([socketStreams(here).size, socketStreams(there).size]).toEqual([0, 0])
})
