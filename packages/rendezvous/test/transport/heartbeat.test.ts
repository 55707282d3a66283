import { EventEmitter } from 'node:events'
import timers from 'node:timers'
import { Socket } from 'engine.io'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { heartbeatOf } from '../../src/transport/engine-internals.js'
import { Heartbeat } from '../../src/transport/heartbeat.js'

const INTERVAL = 25_000
const TIMEOUT = 60_000

/** Transport of engine.io without a connection, which records the types of sent packets. */
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

/** Real engine.io socket whose client is controlled by a test. */
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
    // Casts: these have only what the socket uses.
    this.#socket = new Socket('a', server as never, this.transport as never, request as never, protocol)
    this.#socket.on('close', (reason: string) => this.closed.push(reason))
    this.heartbeat = new Heartbeat(this.#socket, heartbeatOf(this.#socket))
  }

  get pings(): number {
    return this.transport.sent.filter((type) => type === 'ping').length
  }

  get hasUnansweredPing(): boolean {
    return this.pings > this.#pongs
  }

  /** Receives an engine.io packet from the client. */
  says(type: 'ping' | 'pong'): void {
    if (type === 'pong') this.#pongs++
    this.transport.emit('packet', { type })
  }

  /** Receives a frame from the client every `each` milliseconds. */
  sendsFor(duration: number, each: number): void {
    for (let passed = 0; passed < duration; passed += each) {
      vi.advanceTimersByTime(each)
      this.heartbeat.recordActivity()
    }
  }

  /** Upgrades from polling to a WebSocket as engine.io does. */
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
  test('is closed after the whole timeout without a message', () => {
    const client = new Client(3)
    vi.advanceTimersByTime(INTERVAL + TIMEOUT - 1)
    expect(client.closed).toEqual([])
    vi.advanceTimersByTime(1)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('is not closed while it uploads, though its pings are stuck', () => {
    const client = new Client(3)
    client.sendsFor(4 * (INTERVAL + TIMEOUT), TIMEOUT)
    expect(client.closed).toEqual([])
    vi.advanceTimersByTime(INTERVAL + TIMEOUT)
    expect(client.closed).toEqual(['ping timeout'])
  })
})

describe('a client of revision 4', () => {
  test('is pinged, and closed without an answer', () => {
    const client = new Client(4)
    vi.advanceTimersByTime(INTERVAL)
    expect(client.pings).toBe(1)
    vi.advanceTimersByTime(TIMEOUT)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('is not closed while its pong is stuck behind its upload, and is pinged again', () => {
    const client = new Client(4)
    vi.advanceTimersByTime(INTERVAL)
    // Without a ping it would time out after INTERVAL + TIMEOUT.
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
  /** Longest silence of a client. */
  const silence = INTERVAL + TIMEOUT

  test('is not closed while it is paused, however long', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(INTERVAL)
    client.heartbeat.suspend()
    client.heartbeat.suspend()
    vi.advanceTimersByTime(100 * silence)
    expect(client.closed).toEqual([])
  })

  test('has its whole timeout again after a pause', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(silence - 1)
    client.heartbeat.suspend()
    vi.advanceTimersByTime(silence)
    client.heartbeat.resume()
    client.heartbeat.resume()
    // In revision 4 a ping is unanswered.
    vi.advanceTimersByTime((protocol === 3 ? silence : TIMEOUT) - 1)
    expect(client.closed).toEqual([])
    vi.advanceTimersByTime(1)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('is closed when it is silent after an upgrade', () => {
    const client = new Client(protocol)
    vi.advanceTimersByTime(INTERVAL)
    client.changeTransport()
    vi.advanceTimersByTime(silence)
    expect(client.closed).toEqual(['ping timeout'])
  })

  test('starts no timer when input read before the pause is processed during it', () => {
    const client = new Client(protocol)
    client.heartbeat.suspend()
    client.heartbeat.recordActivity()
    if (protocol === 3) client.says('ping')
    vi.advanceTimersByTime(100 * silence)
    expect(client.closed).toEqual([])
  })

  test('leaves no timer behind when it disconnects during a pause', () => {
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

test('a client of revision 4 is pinged on time despite many short pauses', () => {
  const client = new Client(4)
  // The client times out without a ping for INTERVAL + TIMEOUT.
  for (let passed = 0; passed < 4 * INTERVAL; passed += 1_000) {
    vi.advanceTimersByTime(500)
    client.heartbeat.suspend()
    vi.advanceTimersByTime(500)
    client.heartbeat.resume()
    if (client.hasUnansweredPing) client.says('pong')
  }
  expect(client.pings).toBeGreaterThanOrEqual(3)
  expect(client.closed).toEqual([])
})

test('a client of revision 4 is pinged during a pause, and may answer afterwards', () => {
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

test('frames of one tick count once', () => {
  const client = new Client(3)
  for (let i = 0; i < 1000; i++) client.heartbeat.recordActivity()
  // The socket's own timer, and one callback at the end of the tick.
  expect(vi.getTimerCount()).toBe(2)
})
