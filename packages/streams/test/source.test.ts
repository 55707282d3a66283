import { CREDIT_MAX } from '@websocket-star/protocol'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { SocketWriter } from '../src/socket-writer.js'
import { resolveCodec, type CodecName } from '../src/codec.js'
import { Source, type SourceOptions } from '../src/source.js'
import { FakeSocket } from './fake-socket.js'

let socket: FakeSocket
let forgotten: number
let told: unknown[]

beforeEach(() => {
  socket = new FakeSocket()
  forgotten = 0
  told = []
})

function sourceOf(options?: SourceOptions, codec: CodecName = 'plain'): Source<unknown> {
  const forget = (): void => void forgotten++
  const source = new Source<unknown>('id', new SocketWriter(socket), resolveCodec(codec as 'plain'), forget, options)
  source.onData = (value) => told.push(value)
  source.onEnd = (error) => told.push(`end ${error?.code ?? 'well'}`)
  source.onClose = (error) => told.push(`close ${error?.code ?? 'well'}`)
  return source
}

const window = { initial: 100, max: 100 }

describe('a new source', () => {
  test('accepts with its window', () => {
    const source = sourceOf()
    expect(socket.sent).toEqual([['accept', 'id', { window: 262_144 }]])
    expect([source.window, source.paused, source.closed, source.ended, source.readableLength]).toEqual([
      262_144,
      true,
      false,
      false,
      0
    ])
    sourceOf({ window })
    expect(socket.sent[1]).toEqual(['accept', 'id', { window: 100 }])
  })

  test('that is deferred accepts when it is told to, once', () => {
    const source = sourceOf({ window, deferred: true })
    expect(socket.sent).toEqual([])
    source.accept()
    source.accept()
    expect(socket.sent).toEqual([['accept', 'id', { window: 100 }]])
  })

  test('that ended before it accepted does not', () => {
    const source = sourceOf({ deferred: true })
    source.receiveError('gone')
    source.accept()
    expect(socket.sent).toEqual([])
  })
})

describe('a paused source', () => {
  test('keeps what comes, and grants nothing', () => {
    const source = sourceOf({ window })
    socket.clear()
    source.receiveChunk('x'.repeat(60))
    source.receiveChunk('y'.repeat(40))
    expect([told, source.readableLength]).toEqual([[], 100])
    expect(socket.sent).toEqual([])
    source.resume()
    expect(told).toEqual(['x'.repeat(60), 'y'.repeat(40)])
    expect(socket.sentOf('credit')).toEqual([60, 40])
    expect(source.readableLength).toBe(0)
  })

  test('gives out one by one where each value pauses it', () => {
    const source = sourceOf()
    source.onData = (value) => {
      source.pause()
      told.push(value)
    }
    for (const value of ['one', 'two']) source.receiveChunk(value)
    source.receiveError(true)
    expect(told).toEqual(['close well'])
    source.resume()
    expect(told).toEqual(['close well', 'one'])
    source.resume()
    expect(told).toEqual(['close well', 'one', 'two'])
    source.resume()
    expect(told).toEqual(['close well', 'one', 'two', 'end well'])
  })

  test('stays in order when it is resumed by what it gives out', () => {
    const source = sourceOf()
    source.onData = (value) => {
      source.pause()
      told.push(value)
      source.resume()
    }
    for (const value of ['one', 'two', 'three']) source.receiveChunk(value)
    source.resume()
    source.receiveChunk('four')
    expect(told).toEqual(['one', 'two', 'three', 'four'])
  })
})

describe('a flowing source', () => {
  test('gives out at once, says how much each counts, and grants as the window says', () => {
    const source = sourceOf({ window })
    source.onData = (_value, size) => told.push(size)
    source.resume()
    socket.clear()
    for (const size of [10, 10, 5, 0, 24, 1]) source.receiveChunk('x'.repeat(size))
    expect(told).toEqual([10, 10, 5, 0, 24, 1])
    expect(socket.sentOf('credit')).toEqual([25, 25])
  })

  test('pays for a message that is larger than one grant may be, or its sender would wait for ever', () => {
    const source = sourceOf({ window })
    source.resume()
    source.receiveChunk('x'.repeat(2 * CREDIT_MAX))
    expect(socket.sentOf('credit')).toEqual([CREDIT_MAX, CREDIT_MAX])
  })
})

describe('what comes beyond the window', () => {
  test('is taken without a limit, since old senders know no windows', () => {
    const source = sourceOf({ window })
    for (let count = 0; count < 100; count++) source.receiveChunk('x'.repeat(100))
    expect([source.readableLength, source.closed]).toEqual([10_000, false])
  })

  test('is taken up to the tolerance', () => {
    const source = sourceOf({ window, tolerance: 50 })
    source.receiveChunk('x'.repeat(100))
    source.receiveChunk('y'.repeat(50))
    expect(source.closed).toBe(false)
    source.receiveChunk('z')
    expect(source.closed).toBe(true)
    expect(source.error).toMatchObject({ code: 'ERR_STREAM_PROTOCOL' })
    expect(socket.sentOf('error')).toEqual(['More was sent than the window allows'])
    // What was within can be read.
    source.resume()
    expect(told).toEqual(['close ERR_STREAM_PROTOCOL', 'x'.repeat(100), 'y'.repeat(50), 'end ERR_STREAM_PROTOCOL'])
  })
})

describe('many values that wait', () => {
  test('are within the window, and no reason to end a sender, however small they are', () => {
    const source = sourceOf()
    for (let count = 0; count < 262_144; count++) source.receiveChunk(1)
    expect([source.closed, source.readableLength]).toEqual([false, 262_144])
  })

  test('and weigh nothing cannot be as many as a stranger likes', () => {
    const source = sourceOf({ window })
    for (let count = 0; count < 65_536; count++) source.receiveChunk('')
    expect(source.closed).toBe(false)
    source.receiveChunk('')
    expect(source.error).toMatchObject({ code: 'ERR_STREAM_PROTOCOL' })
    expect(socket.sentOf('error')).toHaveLength(1)
  })
})

describe('a stream of bytes', () => {
  const options = { framing: 'bytes' } as const

  test('joins what is small and waits, and leaves out what is empty', () => {
    const source = sourceOf(options, 'buffer')
    for (let count = 0; count < 1000; count++) source.receiveChunk(Buffer.from([count, 1]))
    source.receiveChunk(Buffer.alloc(0))
    expect(source.readableLength).toBe(2000)
    const received: Uint8Array[] = []
    source.onData = (value) => received.push(value as Uint8Array)
    source.resume()
    expect(received).toHaveLength(1)
    expect([...(received[0] ?? [])]).toEqual(
      Array.from({ length: 2000 }, (_, at) => (at % 2 === 1 ? 1 : (at / 2) % 256))
    )
    source.receiveChunk(Buffer.alloc(0))
    source.receiveChunk(Buffer.from([1]))
    expect(received).toHaveLength(2)
    expect(source.readableLength).toBe(0)
  })

  test.each<CodecName>(['buffer', 'hex'])(
    'in %s is the same bytes, and as many are granted for, however it is read',
    (codec) => {
      const size = fc.oneof(fc.nat({ max: 10 }), fc.constantFrom(4095, 4096, 60_000, 65_536))
      const step = fc.oneof(size, fc.constantFrom('resume' as const, 'pause' as const))
      fc.assert(
        fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
          socket.clear()
          const source = sourceOf({ ...options, window: { initial: 1, max: 1 } }, codec)
          const wire = (bytes: Buffer): unknown => (codec === 'hex' ? bytes.toString('hex') : bytes)
          const [sent, received]: [Buffer[], Uint8Array[]] = [[], []]
          source.onData = (value) => received.push(value as Uint8Array)
          for (const [index, step] of steps.entries()) {
            if (step === 'resume') source.resume()
            else if (step === 'pause') source.pause()
            else {
              const bytes = Buffer.alloc(step, index)
              sent.push(bytes)
              source.receiveChunk(wire(bytes))
            }
          }
          source.resume()
          const whole = Buffer.concat(sent)
          expect(Buffer.concat(received).equals(whole)).toBe(true)
          const granted = socket.sentOf('credit').reduce((sum: number, credit) => sum + Number(credit), 0)
          expect(granted).toBe(codec === 'hex' ? 2 * whole.length : whole.length)
          expect(source.readableLength).toBe(0)
        })
      )
    }
  )

  test('of messages joins nothing', () => {
    const source = sourceOf({}, 'buffer')
    for (const size of [1, 0, 2]) source.receiveChunk(Buffer.alloc(size))
    source.resume()
    expect(told).toEqual([1, 0, 2].map((size) => Buffer.alloc(size)))
  })
})

describe('a bad chunk', () => {
  const loop: unknown[] = []
  loop.push(loop)
  let deep: unknown = []
  for (let depth = 0; depth < 100_000; depth++) deep = [deep]

  test.each([
    ['null', null],
    ['nothing', undefined],
    ['false', false],
    ['a function', () => 1],
    ['what is nested without end', deep]
  ])('of %s ends the stream, and harms nobody', (_name, chunk) => {
    const source = sourceOf()
    source.receiveChunk('good')
    source.receiveChunk(chunk)
    source.receiveChunk('later')
    source.resume()
    expect(told).toEqual(['close ERR_STREAM_CODEC', 'good', 'end ERR_STREAM_CODEC'])
    expect(source.error?.cause).toBeInstanceOf(Error)
    expect(socket.sentOf('error')).toEqual(['Unreadable chunk'])
    expect(forgotten).toBe(1)
  })
})

describe('who waits for the close', () => {
  test.each<[string, (source: Source<unknown>) => void, string | undefined]>([
    ['the end', (source) => source.receiveError(true), undefined],
    ['a failure', (source) => source.receiveError('gone'), 'ERR_STREAM_RESET'],
    ['an abort', (source) => source.abort(), 'ERR_STREAM_ABORTED']
  ])('knows of %s', async (_name, close, code) => {
    const source = sourceOf()
    source.receiveChunk('unread')
    close(source)
    expect((await source.whenClosed)?.code).toBe(code)
  })
})

describe('the end', () => {
  test('comes after what waits, for who reads; at once, for who owns', () => {
    const source = sourceOf()
    source.receiveChunk('one')
    source.receiveError(true)
    expect([source.closed, source.ended, forgotten]).toEqual([true, false, 1])
    expect(told).toEqual(['close well'])
    source.resume()
    expect(told).toEqual(['close well', 'one', 'end well'])
    expect([source.ended, source.error, source.readableLength]).toEqual([true, undefined, 0])
  })

  test('waits for a reader that has stopped', () => {
    const source = sourceOf()
    source.receiveError(true)
    expect(source.ended).toBe(false)
    source.resume()
    expect(told).toEqual(['close well', 'end well'])
  })

  test('is heard once, and nothing after it', () => {
    const source = sourceOf()
    source.resume()
    source.receiveError(true)
    source.receiveChunk('late')
    source.receiveError('late')
    source.receiveDisconnect('late')
    source.abort('late')
    source.resume()
    expect(told).toEqual(['close well', 'end well'])
    expect(socket.sentOf('error')).toEqual([])
    expect(source.error).toBeUndefined()
  })

  test('costs no more grants', () => {
    const source = sourceOf({ window })
    source.receiveChunk('x'.repeat(100))
    source.receiveError(true)
    source.resume()
    expect(socket.sentOf('credit')).toEqual([])
  })

  test.each([false, null, 0, '', undefined])('is meant by %s too', (argument) => {
    const source = sourceOf()
    source.resume()
    source.receiveError(argument)
    expect(told).toEqual(['close well', 'end well'])
  })
})

describe('a failure', () => {
  test.each<[string, (source: Source<unknown>) => void, string]>([
    ['by the sender', (source) => source.receiveError('the disk is full'), 'ERR_STREAM_RESET'],
    ['by the connection', (source) => source.receiveDisconnect('ping timeout'), 'ERR_CONNECTION_LOST']
  ])('%s is known at once, but what came before is read first', (_name, fail, code) => {
    const source = sourceOf()
    source.receiveChunk('one')
    fail(source)
    expect(told).toEqual([`close ${code}`])
    expect(source.error).toMatchObject({ code })
    source.resume()
    expect(told).toEqual([`close ${code}`, 'one', `end ${code}`])
    expect(socket.sentOf('error')).toEqual([])
  })

  test('is told to a reader that has stopped, if nothing waits', () => {
    const source = sourceOf()
    source.receiveError('the disk is full')
    expect(told).toEqual(['close ERR_STREAM_RESET', 'end ERR_STREAM_RESET'])
    expect(source.error).toMatchObject({ reason: 'the disk is full' })
  })

  test('by an abort loses what waits, and the sender is told why', () => {
    const source = sourceOf()
    source.receiveChunk('one')
    source.abort(new Error('no more room'))
    expect(told).toEqual(['close ERR_STREAM_ABORTED', 'end ERR_STREAM_ABORTED'])
    expect(socket.sentOf('error')).toEqual(['no more room'])
    expect([source.ended, source.readableLength, forgotten]).toEqual([true, 0, 1])
    source.receiveChunk('two')
    source.resume()
    source.abort('again')
    expect(told).toHaveLength(2)
    expect(socket.sentOf('error')).toHaveLength(1)
  })

  test('by a stop is none to the sender', () => {
    const source = sourceOf()
    source.receiveChunk('one')
    source.stop()
    source.stop()
    expect(told).toEqual(['close ERR_STREAM_ABORTED', 'end ERR_STREAM_ABORTED'])
    expect(socket.sentOf('error')).toEqual([true])
  })

  test('by a silent end is told to nobody', () => {
    const source = sourceOf({ deferred: true })
    source.discard('the dial failed')
    expect(told).toEqual(['close ERR_STREAM_ABORTED', 'end ERR_STREAM_ABORTED'])
    expect(socket.sent).toEqual([])
  })

  test('by an abort of what has come to its end loses the rest, and the sender need not know', () => {
    const source = sourceOf()
    source.receiveChunk('one')
    source.receiveError(true)
    source.abort('no more')
    expect(told).toEqual(['close well', 'end ERR_STREAM_ABORTED'])
    expect(socket.sentOf('error')).toEqual([])
    expect(source.readableLength).toBe(0)
  })

  test('while a value is given out ends there', () => {
    const source = sourceOf({ window })
    source.onData = (value) => {
      told.push(value)
      source.abort('enough')
    }
    for (const value of ['x'.repeat(50), 'two']) source.receiveChunk(value)
    source.resume()
    expect(told).toEqual(['x'.repeat(50), 'close ERR_STREAM_ABORTED', 'end ERR_STREAM_ABORTED'])
    expect(socket.sentOf('credit')).toEqual([])
  })
})
