import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { SocketWriter, type Flushable } from '../src/socket-writer.js'
import { FakeSocket, turns } from './fake-socket.js'

const MEGABYTE = 1_048_576

let socket: FakeSocket
let writer: SocketWriter

beforeEach(() => {
  socket = new FakeSocket()
  writer = new SocketWriter(socket)
})

afterEach(() => {
  vi.useRealTimers()
})

function fill(bytes: number): void {
  socket.io.engine.transport.ws.bufferedAmount = bytes
}

describe('sending', () => {
  test('is an event of the stream', () => {
    writer.send('accept', 'id', { window: 1 })
    writer.send('error', 'id.listener', true)
    expect(socket.sent).toEqual([
      ['accept', 'id', { window: 1 }],
      ['error', 'id.listener', true]
    ])
  })

  test('leaves nothing for a connection that comes later', () => {
    socket.connected = false
    expect(writer.connected).toBe(false)
    writer.send('accept', 'id')
    writer.sendChunk('id', new Uint8Array(1), 1)
    socket.connected = true
    expect(socket.sent).toEqual([])
  })

  test('ends with it', () => {
    expect(writer.connected).toBe(true)
    writer.close()
    expect(writer.connected).toBe(false)
    writer.send('accept', 'id')
    expect(socket.sent).toEqual([])
  })

  test('makes Buffers of bytes, which all versions attach, and copies none', () => {
    const bytes = Uint8Array.of(0, 1, 2, 3).subarray(1, 3)
    const buffer = Buffer.from('x')
    writer.sendChunk('id', bytes, 2)
    writer.sendChunk('id', buffer, 1)
    writer.sendChunk('id', 'text', 4)
    const [first, second, third] = socket.sentOf('queue')
    expect(Buffer.isBuffer(first)).toBe(true)
    expect([...(first as Buffer)]).toEqual([1, 2])
    expect((first as Buffer).buffer).toBe(bytes.buffer)
    expect(second).toBe(buffer)
    expect(third).toBe('text')
  })
})

describe('in a browser', () => {
  // Without Node's Buffer, which is looked for once.
  async function browserWriter(socket: object): Promise<SocketWriter> {
    vi.resetModules()
    vi.stubGlobal('Buffer', undefined)
    try {
      const module = await import('../src/socket-writer.js')
      return new module.SocketWriter(socket as FakeSocket) // or one that lacks what version 2 lacks
    } finally {
      vi.unstubAllGlobals()
    }
  }

  test('later versions take bytes as they are', async () => {
    const bytes = Uint8Array.of(0, 1, 2, 3).subarray(1, 3)
    const writer = await browserWriter(socket)
    writer.sendChunk('id', bytes, 2)
    expect(socket.sentOf('queue')[0]).toBe(bytes)
  })

  test('version 2 takes an ArrayBuffer of nothing else', async () => {
    const sent: unknown[] = []
    const old = { connected: true, emit: (...args: unknown[]) => sent.push(args.at(-1)) }
    const writer = await browserWriter(old)
    writer.sendChunk('id', Uint8Array.of(0, 1, 2, 3).subarray(1, 3), 2)
    expect(sent).toEqual([Uint8Array.of(1, 2).buffer])
  })
})

/** A stream that has more than anyone will take: it sends until it is told to wait. */
class Endless implements Flushable {
  sent = 0
  readonly #name: string
  readonly #limit: number

  constructor(name: string, limit = 100 * MEGABYTE) {
    this.#name = name
    this.#limit = limit
  }

  flush(): void {
    while (this.sent < this.#limit && writer.hasRoomFor(this)) {
      const chunk = Buffer.alloc(65_536)
      writer.sendChunk(this.#name, chunk, chunk.length)
      socket.io.engine.transport.ws.bufferedAmount += chunk.length
      this.sent += chunk.length
    }
  }
}

describe('a full socket', () => {
  test('takes a megabyte, and more once half of that has left', () => {
    vi.useFakeTimers()
    const stream = new Endless('a')
    stream.flush()
    expect(stream.sent).toBe(MEGABYTE)
    fill(MEGABYTE / 2 + 1)
    vi.advanceTimersByTime(100)
    expect(stream.sent).toBe(MEGABYTE)
    fill(MEGABYTE / 2)
    vi.advanceTimersByTime(100)
    expect(stream.sent).toBe(1.5 * MEGABYTE)
    expect(socket.io.engine.transport.ws.bufferedAmount).toBe(MEGABYTE)
  })

  test('takes four in a page that is hidden, where timers hardly run', () => {
    vi.useFakeTimers()
    vi.stubGlobal('document', { visibilityState: 'hidden' })
    try {
      const stream = new Endless('a')
      stream.flush()
      expect(stream.sent).toBe(4 * MEGABYTE)
      // A window is bound enough.
      expect(writer.hasRoomFor(stream, true)).toBe(true)
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('is looked at, not guessed: what has left makes room', () => {
    const stream = new Endless('a')
    for (let chunk = 0; chunk < 100; chunk++) {
      expect(writer.hasRoomFor(stream)).toBe(true)
      writer.sendChunk('a', Buffer.alloc(65_536), 65_536)
    }
    fill(MEGABYTE)
    expect([...Array(17).keys()].map(() => roomAfterChunk(stream)).at(-1)).toBe(false)
    writer.forget(stream)
  })

  test('is shared by all who wait', () => {
    vi.useFakeTimers()
    const streams = ['a', 'b', 'c'].map((name) => new Endless(name))
    for (const stream of streams) stream.flush()
    for (let round = 0; round < 30; round++) {
      fill(0)
      vi.advanceTimersByTime(10)
    }
    const total = streams.reduce((sum, { sent }) => sum + sent, 0)
    for (const { sent } of streams) expect(sent / total).toBeGreaterThan(0.3)
  })

  test('is not looked at for streams that have ended', () => {
    vi.useFakeTimers()
    const stream = new Endless('a')
    stream.flush()
    expect(vi.getTimerCount()).toBe(1)
    writer.forget(stream)
    expect(vi.getTimerCount()).toBe(0)
    fill(0)
    vi.advanceTimersByTime(100)
    expect(stream.sent).toBe(MEGABYTE)
  })

  test('goes to the others too when one of them throws', () => {
    vi.useFakeTimers()
    const later: (() => void)[] = []
    vi.stubGlobal('queueMicrotask', (callback: () => void) => later.push(callback))
    try {
      const [a, b] = [new Endless('a'), new Endless('b')]
      a.flush()
      b.flush()
      a.flush = () => {
        throw new Error('of the one who listens')
      }
      fill(0)
      vi.advanceTimersByTime(100)
      expect(b.sent).toBeGreaterThan(0)
      expect(later).toHaveLength(1)
      expect(later[0]).toThrow('of the one who listens')
    } finally {
      vi.unstubAllGlobals()
    }
  })

  test('is looked at while anyone still waits', () => {
    vi.useFakeTimers()
    const [a, b] = [new Endless('a'), new Endless('b')]
    a.flush()
    b.flush()
    writer.forget(a)
    fill(0)
    vi.advanceTimersByTime(100)
    expect(b.sent).toBeGreaterThan(0)
  })

  function roomAfterChunk(stream: Flushable): boolean {
    const hasRoom = writer.hasRoomFor(stream)
    if (hasRoom) writer.sendChunk('a', Buffer.alloc(65_536), 65_536)
    return hasRoom
  }
})

describe('the end of a turn', () => {
  test('flushes each stream once, however often it asked', async () => {
    let flushed = 0
    const stream: Flushable = { flush: () => void flushed++ }
    writer.flushNextTask(stream)
    writer.flushNextTask(stream)
    expect(flushed).toBe(0)
    await turns(2)
    expect(flushed).toBe(1)
    writer.flushNextTask(stream)
    await turns(2)
    expect(flushed).toBe(2)
  })

  test('does not flush what has ended', async () => {
    const flushed: string[] = []
    const streams = ['a', 'b'].map((name): Flushable => ({ flush: () => void flushed.push(name) }))
    for (const stream of streams) writer.flushNextTask(stream)
    writer.forget(streams[0] as Flushable)
    await turns(2)
    expect(flushed).toEqual(['b'])
  })
})
