import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { HOLD } from '../src/stray-events.js'
import { UndeliveredEvents } from '../src/undelivered-events.js'

class ServerSocket extends EventEmitter {
  readonly connected = true
  readonly conn = {}
}

const ACCEPT = 'socket.io-pull-stream.accept.id'
const ERROR = 'socket.io-pull-stream.error.id'

function setUp(socket: EventEmitter & { connected: boolean } = new ServerSocket()) {
  const told: unknown[] = []
  const undelivered = new UndeliveredEvents(socket, (name, args) => told.push([name, ...args]) > 0)
  return { socket, told, undelivered }
}

test('events of a stream that were under way are told', () => {
  const { socket, told, undelivered } = setUp()
  undelivered.watch('id')
  socket.emit(ACCEPT, { window: 1 })
  socket.emit(ERROR, 'given up')
  expect(told).toEqual([
    [ACCEPT, { window: 1 }],
    [ERROR, 'given up']
  ])
  undelivered.close()
  expect(socket.eventNames()).toEqual([])
})

test('those that the tap has heard are not told once more', () => {
  const { socket, told, undelivered } = setUp()
  undelivered.heard(ERROR)
  undelivered.watch('id')
  undelivered.heard(ACCEPT)
  for (const name of [ACCEPT, ERROR]) socket.emit(name, true)
  expect([told, socket.eventNames()]).toEqual([[], []])
  undelivered.close()
})

test('it ends after a while, and with too many names', async () => {
  const flooded = setUp()
  for (let count = 0; count < 1000; count++) flooded.undelivered.watch(`${count}`)
  expect(flooded.socket.eventNames()).toEqual([])

  const { socket, undelivered } = setUp()
  undelivered.watch('id')
  await new Promise((resolve) => setTimeout(resolve, HOLD + 200))
  expect(socket.eventNames()).toEqual([])
  undelivered.watch('id')
  expect(socket.eventNames()).toEqual([])
})

test('a client delivers at once, so nothing is listened for', () => {
  const { socket, undelivered } = setUp(Object.assign(new EventEmitter(), { connected: true }))
  undelivered.watch('id')
  expect(socket.eventNames()).toEqual([])
})
