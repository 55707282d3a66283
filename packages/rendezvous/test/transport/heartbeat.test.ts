import { EventEmitter } from 'node:events'
import timers from 'node:timers'
import { Socket } from 'engine.io'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { heartbeatOf } from '../../src/transport/engine-internals.js'
import { Heartbeat } from '../../src/transport/heartbeat.js'

const INTERVAL = 25_000
const TIMEOUT = 60_000

/** engine.io's transport without a connection: it writes down the types of the packets it is to send. */
class RecordingTransport extends EventEmitter {
  readonly name = 'polling'
  readonly writable = true
  readonly sent: string[] = []
  readonly protocol: 3 | 4

  constructor(protocol: 3 | 4) {
    super()
    this.protocol = protocol
  }

  send(packets: readonly { type: string }[]): void {
    this.sent.push(...packets.map(({ type }) => type))
  }

  discard(): void {}
  close(): void {}
}

/** A real engine.io socket, whose client says what a test lets it say. */
class Client {
  readonly transport: RecordingTransport
  readonly heartbeat: Heartbeat
  readonly closed: string[] = []
  readonly #socket: Socket
  #pongs = 0

  constructor(protocol: 3 | 4) {
    this.transport = new RecordingTransport(protocol)
    const server = {
      opts: { pingInterval: INTERVAL, pingTimeout: TIMEOUT, maxHttpBufferSize: 1_000_000 },
      emit: () => true,
      upgrades: () => []
    }
    const request = { connection: { remoteAddress: '127.0.0.1' } }
    // Casts, for these have what a socket uses of them and no more.
    this.#socket = new Socket('a', server as never, this.transport as never, request as never, protocol)
    this.#socket.on('close', (reason: string) => this.closed.push(reason))
    this.heartbeat = new Heartbeat(this.#socket, heartbeatOf(this.#socket))
  }

  /** Pings that the server has sent. */
  get pings(): number {
    return this.transport.sent.filter((type) => type === 'ping').length
  }

  get owesPong(): boolean {
    return this.pings > this.#pongs
  }

  /** A packet of engine.io itself. */
  says(type: 'ping' | 'pong'): void {
    if (type === 'pong') this.#pongs++
    this.transport.emit('packet', { type })
  }

  /** A frame of whatever kind, each so many milliseconds. */
  sendsFor(duration: number, each: number): void {
    for (let passed = 0; passed < duration; passed += each) {
      vi.advanceTimersByTime(each)
      this.heartbeat.recordActivity()
    }
  }

  /** As engine.io does when a client that polls has got a WebSocket. */
  changeTransport(): void {
    const socket = this.#socket as unknown as { clearTransport(): void; setTransport(transport: object): void }
    socket.clearTransport()
    socket.setTransport(this.transport)
    this.#socket.emit('upgrade', this.transport)
  }

  close(): void {
    this.transport.emit('close')
  }
}

beforeEach(() => {
  vi.useFakeTimers()
  // engine.io takes these from the module, not from the global object.
  vi.spyOn(timers, 'setTimeout').mockImplementation(setTimeout)
  vi.spyOn(timers, 'clearTimeout').mockImplementation(clearTimeout)
})

afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a client of revision 3', () => {
  test('is closed when it is silent for the whole time', () => {
    const client = new Client(3)
    vi.advanceTimersByTime(INTERVAL + TIMEOUT - 1)
    expect(client.closed).toEqual([])
    vi.advanceTimersByTime(1)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('is not closed while it sends anything, though it cannot ping for what it uploads', () => {
    const client = new Client(3)
    client.sendsFor(4 * (INTERVAL + TIMEOUT), TIMEOUT)
    expect(client.closed).toEqual([])
    vi.advanceTimersByTime(INTERVAL + TIMEOUT)
    expect(client.closed).toEqual(['ping timeout'])
  })
})

describe('a client of revision 4', () => {
  test('is pinged, and closed when it does not answer', () => {
    const client = new Client(4)
    vi.advanceTimersByTime(INTERVAL)
    expect(client.pings).toBe(1)
    vi.advanceTimersByTime(TIMEOUT)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('is not closed while its pong is stuck behind what it uploads, and goes on to be pinged', () => {
    const client = new Client(4)
    vi.advanceTimersByTime(INTERVAL)
    // It would give the server up without a ping for INTERVAL + TIMEOUT.
    client.sendsFor(8 * INTERVAL, INTERVAL / 2)
    expect(client.closed).toEqual([])
    expect(client.pings).toBe(9)
    client.says('pong')
    vi.advanceTimersByTime(INTERVAL)
    expect(client.pings).toBe(10)
    vi.advanceTimersByTime(TIMEOUT)
    expect(client.closed).toEqual(['ping timeout'])
  })
})

describe.each([3, 4] as const)('a client of revision %i', (protocol) => {
  /** How long it may be silent in all. */
  const silence = INTERVAL + TIMEOUT

  test('is not closed while it is not read from, however long', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(INTERVAL)
    client.heartbeat.suspend()
    client.heartbeat.suspend()
    vi.advanceTimersByTime(100 * silence)
    expect(client.closed).toEqual([])
  })

  test('has its time again when it is read from again', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(silence - 1)
    client.heartbeat.suspend()
    vi.advanceTimersByTime(silence)
    client.heartbeat.resume()
    client.heartbeat.resume()
    // One of revision 4 owes the answer to a ping.
    vi.advanceTimersByTime((protocol === 3 ? silence : TIMEOUT) - 1)
    expect(client.closed).toEqual([])
    vi.advanceTimersByTime(1)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('is closed when it is silent after a change of transport', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(INTERVAL)
    client.changeTransport()
    vi.advanceTimersByTime(silence)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('that is heard while it is not read from, for something was read before, keeps its time standing still', () => {
    const client = new Client(protocol)
    client.heartbeat.suspend()
    client.heartbeat.recordActivity()
    if (protocol === 3) client.says('ping')
    vi.advanceTimersByTime(100 * silence)
    expect(client.closed).toEqual([])
  })

  test('that goes while it is not read from leaves no timer behind', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(INTERVAL)
    client.heartbeat.suspend()
    client.close()
    client.heartbeat.resume()
    expect(client.closed).toEqual(['transport close'])
    vi.runOnlyPendingTimers()
    expect(vi.getTimerCount()).toBe(0)
  })
})

test('a client of revision 4 is pinged on time, however often it is not read from for a moment', () => {
  const client = new Client(4)
  // It gives the server up when no ping has come for interval and timeout.
  for (let passed = 0; passed < 4 * INTERVAL; passed += 1_000) {
    vi.advanceTimersByTime(500)
    client.heartbeat.suspend()
    vi.advanceTimersByTime(500)
    client.heartbeat.resume()
    if (client.owesPong) client.says('pong')
  }
  expect(client.pings).toBeGreaterThanOrEqual(3)
  expect(client.closed).toEqual([])
})

test('a client of revision 4 is pinged while it is not read from, and has its time afterwards to answer', () => {
  const client = new Client(4)
  vi.advanceTimersByTime(INTERVAL / 2)
  client.heartbeat.suspend()
  vi.advanceTimersByTime(INTERVAL + 10 * TIMEOUT)
  expect(client.pings).toBe(1)
  expect(client.closed).toEqual([])
  client.heartbeat.resume()
  client.says('pong')
  vi.advanceTimersByTime(TIMEOUT)
  expect(client.closed).toEqual([])
  expect(client.pings).toBe(2)
})

test('frames of one tick are heard once', () => {
  const client = new Client(3)
  for (let i = 0; i < 1000; i++) client.heartbeat.recordActivity()
  // The socket's own timer, and the one thing that waits for the end of the tick.
  expect(vi.getTimerCount()).toBe(2)
})
