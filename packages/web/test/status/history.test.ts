import { expect, test } from 'vitest'
import type { Reading } from '../../../rendezvous/src/http/status-messages.js'
import { History, spanOf } from '../../src/status/history.js'

/** Returns a reading with a time in seconds and the bytes relayed in total. */
function at(second: number, bytes = 0): Reading {
  return [second * 1000, 3, 3, 4, 0, 0, bytes, 0, 0, 3, 0, 0]
}

test('rates are what was counted since the reading before, per second', () => {
  const history = new History()
  history.begin([at(100, 50), at(101, 150)])
  history.add(at(103, 350))
  const { times, bytes, peers } = history.series()
  expect(times).toEqual([100, 101, 103])
  expect(bytes).toEqual([null, 100, 100])
  expect(peers).toEqual([3, 3, 3])
})

test('where readings are missing the line is broken', () => {
  const history = new History()
  history.begin([at(100, 10)])
  history.add(at(110, 1_000_000))
  expect(history.series().bytes).toEqual([null, null, null])
  history.add(at(111, 1_000_007))
  expect(history.series().bytes).toEqual([null, null, null, 7])
})

test('a server that was restarted counts anew: what was seen before stays', () => {
  const history = new History()
  history.begin([at(100, 500), at(101, 600)])
  history.begin([at(103, 0), at(104, 30)])
  expect(history.series().bytes).toEqual([null, 100, 0, 30])
})

test('what a server tells again takes the place of what was heard', () => {
  const history = new History()
  history.begin([at(100, 0), at(101, 1)])
  history.begin([at(100, 0), at(101, 1), at(102, 3)])
  expect(history.series().bytes).toEqual([null, 1, 2])
})

test('ten minutes are kept, and two are shown at least', () => {
  const history = new History()
  history.begin([at(0)])
  expect(spanOf(history.series())).toBe(120)
  for (let second = 1; second <= 1_000; second++) history.add(at(second))
  expect(history.series().times[0]).toBe(400)
  expect(spanOf(history.series())).toBe(600)
})
