import { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { TlsHandshakes } from '../../src/http/tls-handshakes.js'
import { budgetWith } from '../support/budget.js'

function start(workPerIp = 1_000) {
  let now = 0
  const budget = budgetWith({ workPerIp }, () => now)
  const handshakes = new TlsHandshakes(() => now)
  const begun: number[] = []
  let count = 0
  return {
    handshakes,
    begun,
    pass: (milliseconds: number) => void (now += milliseconds),
    add: (ip: string, exempt = false): Socket => {
      const [socket, number] = [new Socket(), count++]
      handshakes.add(socket, budget.addressOf({ ip, exempt }), () => begun.push(number))
      return socket
    }
  }
}

test('one address has some under way at a time, and others need not wait for it', () => {
  const { handshakes, begun, add } = start()
  const sockets = Array.from({ length: 40 }, () => add('192.0.2.1'))
  expect(begun).toHaveLength(32)
  add('192.0.2.2')
  expect(begun.slice(32)).toEqual([40])
  for (const socket of sockets.slice(0, 3)) handshakes.delete(socket)
  expect(begun.slice(33)).toEqual([32, 33, 34])
  // One that waits leaves no place when it goes.
  const [waiting] = sockets.slice(39)
  if (waiting !== undefined) handshakes.delete(waiting)
  expect(begun).toHaveLength(36)
})

test('an address over its budget waits until it is within it', () => {
  const { handshakes, begun, add, pass } = start(1)
  // Four milliseconds at once, one a second.
  for (let count = 0; count < 4; count++) handshakes.delete(add('192.0.2.1'))
  handshakes.delete(add('192.0.2.1'))
  add('192.0.2.1')
  expect(begun).toHaveLength(5)
  handshakes.sweep(60_000)
  expect(begun).toHaveLength(5)
  pass(1_500)
  handshakes.sweep(60_000)
  expect(begun).toHaveLength(6)
})

test('one that takes too long ends, under way or not', () => {
  const { handshakes, add, pass } = start()
  const sockets = Array.from({ length: 33 }, () => add('192.0.2.1'))
  pass(900)
  const late = add('192.0.2.1')
  pass(200)
  handshakes.sweep(1_000)
  expect(sockets.every(({ destroyed }) => destroyed)).toBe(true)
  expect(late.destroyed).toBe(false)
})

test('those that are exempt do not wait', () => {
  const { begun, add } = start()
  for (let count = 0; count < 100; count++) add('127.0.0.1', true)
  expect(begun).toHaveLength(100)
})
