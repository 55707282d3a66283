import { InvalidOptionsError } from '@websocket-star/protocol'
import { describe, expect, test } from 'vitest'
import { tapEvents, unsentBytes, type SocketLike } from '../src/socket.js'
import { FakeSocket } from './fake-socket.js'

type Packet = { data?: unknown[] }

/** What version 2 has. */
class OldSocket implements SocketLike {
  connected = true
  readonly heard: unknown[] = []
  emit(): void {}
  on(): void {}
  removeListener(): void {}
  onevent(packet: Packet): void {
    this.heard.push(packet.data)
  }
}

describe('hearing the events of a socket of version 3 or 4', () => {
  test('is one listener, until it stops', () => {
    const socket = new FakeSocket()
    const told: unknown[] = []
    const stop = tapEvents(socket, (name, args) => told.push([name, args]) > 0)
    expect(socket.anyListeners).toHaveLength(1)
    socket.hear('queue', 'id', 1, 2)
    expect(told).toEqual([['socket.io-pull-stream.queue.id', [1, 2]]])
    stop()
    expect(socket.anyListeners).toEqual([])
  })
})

test('an event that has no name of text is nobody of ours', () => {
  const socket = new FakeSocket()
  let told = 0
  tapEvents(socket, () => ++told > 0)
  for (const name of [7, undefined, null, {}]) for (const listener of socket.anyListeners) listener(name)
  expect(told).toBe(0)
})

describe('hearing the events of a socket of version 2', () => {
  test('leaves the application what is not meant for streams', () => {
    const socket = new OldSocket()
    const told: unknown[] = []
    tapEvents(socket, (name, args) => {
      told.push([name, args])
      return name === 'mine'
    })
    socket.onevent({ data: ['mine', 1] })
    socket.onevent({ data: ['yours', 2, 3] })
    socket.onevent({ data: [7] })
    socket.onevent({})
    expect(told).toEqual([
      ['mine', [1]],
      ['yours', [2, 3]]
    ])
    expect(socket.heard).toEqual([['yours', 2, 3], [7], undefined])
  })

  test('gives its method back', () => {
    const socket = new OldSocket()
    const stop = tapEvents(socket, () => true)
    expect(Object.hasOwn(socket, 'onevent')).toBe(true)
    stop()
    expect(Object.hasOwn(socket, 'onevent')).toBe(false)
    socket.onevent({ data: ['any'] })
    expect(socket.heard).toEqual([['any']])
  })

  test('gives back what someone else had put in its place', () => {
    const socket = new OldSocket()
    const theirs = (): void => {}
    socket.onevent = theirs
    tapEvents(socket, () => true)()
    expect(socket.onevent).toBe(theirs)
  })

  test('leaves what someone else has put before it since, and hears no more through it', () => {
    const socket = new OldSocket()
    let told = 0
    const stop = tapEvents(socket, () => ++told > 0)
    const ours = socket.onevent.bind(socket)
    const theirs = (packet: Packet): void => ours(packet)
    socket.onevent = theirs
    socket.onevent({ data: ['first'] })
    stop()
    expect(socket.onevent).toBe(theirs)
    socket.onevent({ data: ['second'] })
    expect(told).toBe(1)
    expect(socket.heard).toEqual([['second']])
  })
})

test('what is no socket of socket.io is refused', () => {
  const emitter = { connected: true, emit() {}, on() {}, removeListener() {} }
  expect(() => tapEvents(emitter, () => true)).toThrow(InvalidOptionsError)
  expect(() => tapEvents({ ...emitter, onAny: 'no function' } as SocketLike, () => true)).toThrow(InvalidOptionsError)
})

describe('what a socket has not sent', () => {
  test('is nothing without an engine', () => {
    expect(unsentBytes(new OldSocket())).toBe(0)
  })

  test('is what waits in the engine, and in its WebSocket', () => {
    const socket = new FakeSocket()
    socket.io.engine.writeBuffer = [
      { data: 'text' },
      { data: new Uint8Array(10) },
      { data: new ArrayBuffer(20) },
      { data: 7 },
      {}
    ]
    socket.io.engine.transport.ws.bufferedAmount = 1000
    expect(unsentBytes(socket)).toBe(1034)
  })

  test("of a server's is found in its connection", () => {
    const conn = { writeBuffer: [{ data: 'text' }], transport: { socket: { bufferedAmount: 100 } } }
    expect(unsentBytes(Object.assign(new OldSocket(), { conn }))).toBe(104)
    expect(unsentBytes(Object.assign(new OldSocket(), { conn: { transport: {} } }))).toBe(0)
  })
})
