import { CREDIT_MAX, InvalidOptionsError } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { SocketWriter } from '../src/socket-writer.js'
import { resolveCodec } from '../src/codec.js'
import { Sink, type SinkOptions } from '../src/sink.js'
import { FakeSocket, turns } from './fake-socket.js'

let socket: FakeSocket
let forgotten: number
let told: unknown[]

beforeEach(() => {
  socket = new FakeSocket()
  forgotten = 0
  told = []
})

function sinkOf(options?: SinkOptions, codec: 'plain' | 'buffer' = 'plain'): Sink<unknown> {
  const sink = new Sink<unknown>('id', new SocketWriter(socket), resolveCodec(codec), () => void forgotten++, options)
  sink.onDrain = () => told.push('drain')
  sink.onFinish = (error) => told.push(error?.code ?? 'finish')
  sink.onClose = (error) => told.push(`close ${error?.code ?? 'well'}`)
  return sink
}

function bytesSink(options?: SinkOptions): Sink<unknown> {
  return sinkOf({ framing: 'bytes', ...options }, 'buffer')
}

function chunkSizes(): number[] {
  return socket.sentOf('queue').map((chunk) => (chunk as Buffer | string).length)
}

describe('before the receiver has accepted', () => {
  test('nothing leaves, and what was written waits', () => {
    const sink = sinkOf()
    expect(sink.write('one')).toBe(true)
    sink.receiveCredit(1000)
    sink.end()
    expect(socket.sent).toEqual([])
    expect([sink.accepted, sink.writableLength, sink.closed]).toEqual([false, 3, false])
    sink.receiveAccept(undefined)
    expect(socket.sent).toEqual([
      ['queue', 'id', 'one'],
      ['error', 'id', true]
    ])
    expect(told).toEqual(['finish', 'close well'])
  })

  test('write answers false once enough waits', () => {
    const sink = sinkOf({ highWaterMark: 10 })
    expect(sink.write('12345')).toBe(true)
    expect(sink.write('67890')).toBe(false)
    expect(sink.write('more')).toBe(false)
    expect(sink.writableLength).toBe(14)
    sink.receiveAccept(undefined)
    expect(socket.sentOf('queue')).toEqual(['12345', '67890', 'more'])
    expect(told).toEqual(['drain'])
  })

  test('it is told once, and what it says later means nothing', () => {
    const sink = sinkOf()
    sink.onAccept = () => told.push('accept')
    sink.receiveAccept({ window: 3 })
    sink.receiveAccept({ window: 100 })
    sink.write('12345')
    sink.write('6')
    expect(sink.accepted).toBe(true)
    expect(socket.sentOf('queue')).toEqual(['12345'])
    expect(told).toEqual(['accept'])
  })
})

describe('credit', () => {
  test('lets as much leave as it says', () => {
    const sink = bytesSink()
    sink.receiveAccept({ window: 10 })
    sink.write(Buffer.alloc(25))
    expect(chunkSizes()).toEqual([10])
    sink.receiveCredit(14)
    expect(chunkSizes()).toEqual([10, 14])
    sink.receiveCredit(14)
    expect(chunkSizes()).toEqual([10, 14, 1])
    sink.write(Buffer.alloc(20))
    expect(chunkSizes()).toEqual([10, 14, 1])
    sink.end()
    expect(chunkSizes()).toEqual([10, 14, 1, 13])
    expect(socket.sentOf('error')).toEqual([])
    sink.receiveCredit(7)
    expect(chunkSizes()).toEqual([10, 14, 1, 13, 7])
    expect(socket.sentOf('error')).toEqual([true])
  })

  test('lets a message leave that is larger, and then waits until that is paid', () => {
    const sink = sinkOf()
    sink.receiveAccept({ window: 10 })
    sink.write('x'.repeat(25))
    sink.write('y')
    expect(chunkSizes()).toEqual([25])
    sink.receiveCredit(15)
    expect(chunkSizes()).toEqual([25])
    sink.receiveCredit(1)
    expect(chunkSizes()).toEqual([25, 1])
  })

  test('of nothing is a window: the sender waits', () => {
    const sink = sinkOf()
    sink.receiveAccept({ window: 0 })
    sink.write('one')
    expect(socket.sent).toEqual([])
    sink.receiveCredit(1)
    expect(socket.sentOf('queue')).toEqual(['one'])
  })

  test.each([0, -5, 1.5, CREDIT_MAX + 1, Number.POSITIVE_INFINITY, Number.NaN, '5', null, undefined, true, [5]])(
    'of %s is none',
    (credit) => {
      const sink = sinkOf()
      sink.receiveAccept({ window: 1 })
      sink.write('x')
      sink.write('y')
      sink.receiveCredit(credit)
      expect(socket.sentOf('queue')).toEqual(['x'])
      sink.receiveCredit(1)
      expect(socket.sentOf('queue')).toEqual(['x', 'y'])
    }
  )

  test('is no limit where the receiver knows none', () => {
    const sink = sinkOf()
    sink.receiveAccept(undefined)
    sink.receiveCredit(1)
    for (let count = 0; count < 10; count++) expect(sink.write('x'.repeat(100_000))).toBe(true)
    expect(chunkSizes()).toHaveLength(10)
  })

  test('is waited for by who writes', () => {
    const sink = sinkOf({ highWaterMark: 10 })
    sink.receiveAccept({ window: 5 })
    expect(sink.write('12345')).toBe(true)
    expect(sink.write('1234567890')).toBe(false)
    sink.receiveCredit(1)
    expect(told).toEqual(['drain'])
    expect(sink.writableLength).toBe(0)
  })

  test('that leaves more than half of the mark drains nothing yet', () => {
    const sink = bytesSink({ highWaterMark: 10 })
    sink.receiveAccept({ window: 1 })
    expect(sink.write(Buffer.alloc(11))).toBe(false)
    sink.receiveCredit(4)
    expect([sink.writableLength, told]).toEqual([6, []])
    sink.receiveCredit(1)
    expect([sink.writableLength, told]).toEqual([5, ['drain']])
    sink.receiveCredit(5)
    expect([sink.writableLength, told]).toEqual([0, ['drain']])
  })
})

describe('framing', () => {
  test('of messages: each as it was written, empty ones too', () => {
    const sink = sinkOf({}, 'buffer')
    sink.receiveAccept(undefined)
    for (const size of [1, 0, 200_000, 1]) sink.write(Buffer.alloc(size))
    expect(chunkSizes()).toEqual([1, 0, 200_000, 1])
  })

  test('of bytes: what waits is joined, what is large is cut', async () => {
    const sink = bytesSink()
    sink.receiveAccept(undefined)
    for (const size of [1, 2, 0, 3]) sink.write(Buffer.alloc(size))
    // The first of a turn leaves at once, the others together.
    expect(chunkSizes()).toEqual([1])
    await turns(2)
    expect(chunkSizes()).toEqual([1, 5])
    await turns(2)
    sink.write(Buffer.alloc(150_000))
    expect(chunkSizes()).toEqual([1, 5, 65_536, 65_536, 18_928])
  })

  test('of bytes: a chunk that is full does not wait for the end of a turn', () => {
    const sink = bytesSink()
    sink.receiveAccept(undefined)
    for (const size of [1, 1, 65_535]) sink.write(Buffer.alloc(size))
    expect(chunkSizes()).toEqual([1, 65_536])
  })

  test('of bytes: what is more than that waits for what is to come', async () => {
    const sink = bytesSink()
    sink.receiveAccept(undefined)
    for (const size of [1, 65_540, 4]) sink.write(Buffer.alloc(size))
    expect(chunkSizes()).toEqual([1, 65_536])
    await turns(2)
    expect(chunkSizes()).toEqual([1, 65_536, 8])
  })

  test('of bytes: the end does not wait either', () => {
    const sink = bytesSink()
    sink.receiveAccept(undefined)
    for (const size of [1, 1]) sink.write(Buffer.alloc(size))
    sink.end()
    expect(chunkSizes()).toEqual([1, 1])
    expect(socket.sentOf('error')).toEqual([true])
  })

  test('of bytes: nothing else is taken', () => {
    const sink = sinkOf({ framing: 'bytes' })
    for (const value of ['text', { a: 1 }]) {
      expect(() => sink.write(value)).toThrow(expect.objectContaining({ code: 'ERR_STREAM_CODEC' }))
    }
    expect(sink.writableLength).toBe(0)
    expect(sink.write(Uint8Array.of(1))).toBe(true)
  })
})

describe('the end', () => {
  test('is told once', () => {
    const sink = sinkOf()
    sink.receiveAccept(undefined)
    sink.end()
    sink.end()
    sink.abort('too late')
    sink.receiveDisconnect('too late')
    sink.receiveError('too late')
    expect(socket.sent).toEqual([['error', 'id', true]])
    expect(told).toEqual(['finish', 'close well'])
    expect([sink.closed, sink.error, forgotten]).toEqual([true, undefined, 1])
  })

  test.each(['at once', 'later'])('takes no more writes, %s', (when) => {
    const sink = sinkOf()
    if (when === 'at once') sink.receiveAccept(undefined)
    sink.end()
    expect(() => sink.write('more')).toThrow(
      expect.objectContaining({ code: 'ERR_STREAM_WRITE_AFTER_END', stream: 'id' })
    )
    sink.receiveAccept(undefined)
    expect(socket.sent).toEqual([['error', 'id', true]])
  })
})

describe('a failure', () => {
  const failures: [string, (sink: Sink<unknown>) => void, string, unknown[]][] = [
    ['an abort', (sink) => sink.abort(new Error('the disk is full')), 'ERR_STREAM_ABORTED', ['the disk is full']],
    ['an abort without a reason', (sink) => sink.abort(), 'ERR_STREAM_ABORTED', ['aborted']],
    ['a silent end', (sink) => sink.discard('unknown there'), 'ERR_STREAM_ABORTED', []],
    ["the receiver's reason", (sink) => sink.receiveError('no thanks'), 'ERR_STREAM_RESET', []],
    ["the receiver's stop", (sink) => sink.receiveError(true), 'ERR_STREAM_STOPPED', []],
    ['what a receiver says oddly', (sink) => sink.receiveError({ a: 1 }), 'ERR_STREAM_RESET', []],
    ['a lost connection', (sink) => sink.receiveDisconnect('ping timeout'), 'ERR_CONNECTION_LOST', []]
  ]

  describe.each(failures)('by %s', (_name, fail, code, sent) => {
    test.each(['before it was accepted', 'while data waits', 'while the end waits'])('%s', (when) => {
      const sink = sinkOf({ highWaterMark: 2 })
      if (when !== 'before it was accepted') sink.receiveAccept({ window: 1 })
      sink.write('x')
      sink.write('waits')
      if (when === 'while the end waits') sink.end()
      socket.clear()
      fail(sink)
      expect(socket.sentOf('error')).toEqual(sent)
      expect(told).toEqual([code, `close ${code}`])
      expect([sink.closed, sink.error?.code, sink.writableLength, forgotten]).toEqual([true, code, 0, 1])
      expect(() => sink.write('more')).toThrow(sink.error)
      sink.receiveAccept(undefined)
      sink.receiveCredit(100)
      sink.end()
      fail(sink)
      expect(socket.sent).toHaveLength(sent.length)
      expect(told).toHaveLength(2)
    })
  })

  test('says what the receiver said', () => {
    const sink = sinkOf()
    sink.receiveError('no thanks')
    expect(sink.error).toMatchObject({ reason: 'no thanks' })
  })

  test('of a codec leaves the stream as it was', () => {
    const sink = sinkOf()
    sink.receiveAccept(undefined)
    expect(() => sink.write(null)).toThrow(expect.objectContaining({ code: 'ERR_STREAM_CODEC' }))
    sink.write('one')
    expect(socket.sent).toEqual([['queue', 'id', 'one']])
  })
})

describe('who waits for the close', () => {
  test.each<[string, (sink: Sink<unknown>) => void, string | undefined]>([
    ['the end', (sink) => sink.end(), undefined],
    ['a failure', (sink) => sink.receiveError('gone'), 'ERR_STREAM_RESET'],
    ['an abort', (sink) => sink.abort(), 'ERR_STREAM_ABORTED']
  ])('knows of %s', async (_name, close, code) => {
    const sink = sinkOf()
    sink.receiveAccept(undefined)
    close(sink)
    expect((await sink.whenClosed)?.code).toBe(code)
  })
})

describe('a full socket', () => {
  test('makes a sender wait whose receiver does not', () => {
    vi.useFakeTimers()
    try {
      const sink = sinkOf({ highWaterMark: 1000 })
      sink.receiveAccept(undefined)
      let written = 0
      const chunk = 'x'.repeat(1000)
      do {
        socket.io.engine.transport.ws.bufferedAmount += chunk.length
        written += chunk.length
      } while (sink.write(chunk) && written < 10_000_000)
      expect(written).toBeGreaterThanOrEqual(1_048_576)
      expect(written).toBeLessThan(1_060_000)
      expect(told).toEqual([])
      socket.io.engine.transport.ws.bufferedAmount = 0
      vi.advanceTimersByTime(100)
      expect(told).toEqual(['drain'])
      expect(chunkSizes().reduce((sum, size) => sum + size, 0)).toBe(written)
    } finally {
      vi.useRealTimers()
    }
  })

  test('is not waited for by a sink that has ended', () => {
    vi.useFakeTimers()
    try {
      const sink = sinkOf()
      sink.receiveAccept(undefined)
      socket.io.engine.transport.ws.bufferedAmount = 10_000_000
      for (let count = 0; count < 2; count++) sink.write('x'.repeat(1_048_576))
      expect([sink.writableLength > 0, vi.getTimerCount()]).toEqual([true, 1])
      sink.abort()
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

test.each([0, -1, Number.NaN])('a high water mark of %s is refused', (highWaterMark) => {
  expect(() => sinkOf({ highWaterMark })).toThrow(InvalidOptionsError)
})

describe('the time to accept', () => {
  test.each([0, -1, Number.NaN])('of %s is refused', (acceptTimeout) => {
    expect(() => sinkOf({ acceptTimeout })).toThrow('acceptTimeout: expected milliseconds from 1')
  })

  test.each([2 ** 31, Number.POSITIVE_INFINITY])('of %s is none', async (acceptTimeout) => {
    const sink = sinkOf({ acceptTimeout })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sink.closed).toBe(false)
  })
})
