import { describe, expect, test } from 'vitest'
import { Counters } from '../src/stats.js'

describe('the counters', () => {
  test('begin with nothing', () => {
    expect(new Counters().snapshot()).toEqual({
      joins: { total: 0, success: 0, failure: 0 },
      dials: { total: 0, success: 0, failure: 0 },
      relayed: { chunks: 0, bytes: 0 },
      announcements: 0,
      discoveryBytes: { windows: 0, newcomers: 0, changes: 0, lists: 0, answers: 0 },
      refused: {},
      dropped: {},
      closed: {},
      reset: {},
      paused: {}
    })
  })

  test('count each reason apart', () => {
    const counters = new Counters()
    counters.refuse('signature')
    counters.refuse('signature')
    counters.refuse('address')
    counters.drop('unknown stream')
    counters.close('server stop')
    counters.reset('payload')
    counters.reset('peer left')
    counters.pause('receiver')
    counters.pause('receiver')
    counters.pause('window')
    counters.joins.total += 3
    counters.dials.failure += 2
    counters.relayed.bytes += 1000
    counters.announcements++
    counters.discoveryBytes.lists += 500
    expect(counters.snapshot()).toEqual({
      joins: { total: 3, success: 0, failure: 0 },
      dials: { total: 0, success: 0, failure: 2 },
      relayed: { chunks: 0, bytes: 1000 },
      announcements: 1,
      discoveryBytes: { windows: 0, newcomers: 0, changes: 0, lists: 500, answers: 0 },
      refused: { signature: 2, address: 1 },
      dropped: { 'unknown stream': 1 },
      closed: { 'server stop': 1 },
      reset: { payload: 1, 'peer left': 1 },
      paused: { receiver: 2, window: 1 }
    })
  })

  test('a reading does not change with what is counted later', () => {
    const counters = new Counters()
    const count = () => {
      counters.refuse('signature')
      counters.drop('namespace')
      counters.close('server stop')
      counters.reset('payload')
      counters.pause('ceiling')
      counters.joins.total++
      counters.dials.success++
      counters.relayed.chunks++
      counters.announcements++
      counters.discoveryBytes.windows++
    }
    count()
    const before = counters.snapshot()
    const copy = structuredClone(before)
    count()
    expect(before).toEqual(copy)
    expect(counters.snapshot()).not.toEqual(copy)
  })

  test('a changed reading does not change what is counted', () => {
    const counters = new Counters()
    const reading = counters.snapshot()
    reading.joins.total = 7
    reading.dials.total = 7
    reading.relayed.bytes = 7
    reading.refused.address = 7
    reading.dropped.namespace = 7
    reading.closed['server stop'] = 7
    reading.reset.payload = 7
    reading.paused.window = 7
    expect(counters.snapshot()).toEqual(new Counters().snapshot())
  })
})
