import { EventEmitter } from 'node:events'
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WrongTokens } from '../../src/http/wrong-tokens.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Nothing of a response is used but its end. */
const response = (): ServerResponse => new EventEmitter() as ServerResponse

test('an answer comes a second later, unless nobody is there for it', () => {
  const tokens = new WrongTokens()
  const answered: string[] = []
  const [stays, leaves] = [response(), response()]
  tokens.delay('192.0.2.1', stays, () => answered.push('stays'))
  tokens.delay('192.0.2.1', leaves, () => answered.push('leaves'))
  leaves.emit('close')
  vi.advanceTimersByTime(999)
  expect(answered).toEqual([])
  vi.advanceTimersByTime(1)
  expect(answered).toEqual(['stays'])
})

test('few answers wait for one network, and more when some have left', () => {
  const tokens = new WrongTokens()
  const late = response()
  expect(tokens.delay('2001:db8::1', late, () => {})).toBe(true)
  for (const ip of ['2001:db8::2', '2001:db8::3', '2001:db8::4'])
    expect(tokens.delay(ip, response(), () => {})).toBe(true)
  expect(tokens.delay('2001:db8::5', response(), () => {})).toBe(false)
  expect(tokens.delay('2001:db8:0:1::1', response(), () => {})).toBe(true)
  late.emit('close')
  expect(tokens.delay('2001:db8::5', response(), () => {})).toBe(true)
})

test('few answers wait in all', () => {
  const tokens = new WrongTokens()
  const late = Array.from({ length: 64 }, response)
  for (const [index, each] of late.entries()) expect(tokens.delay(`192.0.2.${index}`, each, () => {})).toBe(true)
  expect(tokens.delay('198.51.100.1', response(), () => {})).toBe(false)
  for (const each of late) each.emit('close')
  expect(tokens.delay('198.51.100.1', response(), () => {})).toBe(true)
})
