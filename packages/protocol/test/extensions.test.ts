import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CREDIT_MAX,
  parseAcceptOptions,
  parseConnectAnswer,
  parseConnectRequest,
  parseCredit,
  parseDrainNotice,
  parsePeersDelta
} from '../src/extensions.js'
import { anything } from './arbitraries.js'

const NO_OBJECTS = [undefined, null, true, 5, 'x', [], ['x'], () => 1]

describe('what a client says when it connects', () => {
  test.each(['deltas', 'windows', 'none'])('peers: %s', (peers) => {
    expect(parseConnectRequest({ websocketStar: { version: 2, peers } })).toEqual({ version: 2, peers })
  })

  test('unknown fields are ignored, later versions understood', () => {
    const later = { token: 'x', websocketStar: { version: 3, peers: 'none', more: [1] } }
    expect(parseConnectRequest(later)).toEqual({ version: 3, peers: 'none' })
  })

  test.each([
    ...NO_OBJECTS,
    {},
    { websocketStar: null },
    { websocketStar: 2 },
    { websocketStar: {} },
    { websocketStar: { version: 2 } },
    { websocketStar: { peers: 'none' } },
    { websocketStar: { version: 1, peers: 'none' } },
    { websocketStar: { version: 2.5, peers: 'none' } },
    { websocketStar: { version: '2', peers: 'none' } },
    { websocketStar: { version: 2, peers: 'all' } },
    { websocketStar: { version: 2, peers: ['none'] } },
    Object.create({ websocketStar: { version: 2, peers: 'none' } })
  ])('%j: a legacy client', (value) => {
    expect(parseConnectRequest(value)).toBeUndefined()
  })
})

describe('what a server answers', () => {
  test('its version, and the limits that are numbers', () => {
    const limits = { messageBytes: 1_000_000, streams: '5', nothing: null, infinite: Infinity }
    const answer = { sid: 'x', websocketStar: { version: 2, limits } }
    expect(parseConnectAnswer(answer)).toEqual({ version: 2, limits: { messageBytes: 1_000_000 } })
    expect(parseConnectAnswer({ websocketStar: { version: 2 } })).toEqual({ version: 2, limits: {} })
  })

  test('not without end', () => {
    const limits = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`limit${i}`, i]))
    const answer = parseConnectAnswer({ websocketStar: { version: 2, limits } })
    expect(Object.keys(answer?.limits ?? {})).toHaveLength(64)
  })

  test('a limit named __proto__ is a limit and nothing else', () => {
    const answer = parseConnectAnswer(JSON.parse('{"websocketStar":{"version":2,"limits":{"__proto__":5}}}'))
    expect(Object.keys(answer?.limits ?? {})).toEqual(['__proto__'])
  })

  test.each([...NO_OBJECTS, { sid: 'x' }, { websocketStar: { version: 1 } }, { websocketStar: [] }])(
    '%j: a legacy server',
    (value) => {
      expect(parseConnectAnswer(value)).toBeUndefined()
    }
  )
})

describe('a window', () => {
  test.each([
    [0, 0],
    [1, 1],
    [262_144, 262_144],
    [CREDIT_MAX, CREDIT_MAX],
    [CREDIT_MAX + 1, CREDIT_MAX],
    [Number.MAX_SAFE_INTEGER, CREDIT_MAX]
  ])('of %d bytes counts as %d', (window, counted) => {
    expect(parseAcceptOptions({ window, more: true })).toEqual({ window: counted })
  })

  test.each([
    ...NO_OBJECTS,
    {},
    { window: -1 },
    { window: 1.5 },
    { window: '5' },
    { window: NaN },
    { window: Infinity }
  ])('%j is none', (value) => {
    expect(parseAcceptOptions(value)).toEqual({})
  })
})

test('a credit is an integer from 1 to 2²⁴', () => {
  for (const credit of [1, 65_536, 2 ** 24]) expect(parseCredit(credit)).toBe(credit)
  for (const none of [0, -1, 2 ** 24 + 1, 1.5, NaN, Infinity, '5', null, undefined, [5], { credit: 5 }]) {
    expect(parseCredit(none)).toBeUndefined()
  }
})

describe('a batch of peers', () => {
  test('reads back', () => {
    expect(parsePeersDelta({ joined: ['/a'], left: ['/b'] })).toEqual({ joined: ['/a'], left: ['/b'] })
    expect(parsePeersDelta({ joined: ['/a'], left: [], full: true })).toEqual({ joined: ['/a'], left: [], full: true })
    expect(parsePeersDelta({ joined: [], left: [], more: false })).toEqual({ joined: [], left: [], more: false })
    expect(parsePeersDelta({ joined: [], left: [], more: 1 })).toEqual({ joined: [], left: [] })
  })

  test('is read as far as it makes sense', () => {
    const long = 'x'.repeat(1025)
    expect(parsePeersDelta({ joined: ['/a', 5, null, long, ['/b']], full: 1 })).toEqual({ joined: ['/a'], left: [] })
    expect(parsePeersDelta({ left: ['/b'], joined: 'x' })).toEqual({ joined: [], left: ['/b'] })
  })

  test.each([...NO_OBJECTS, {}, { joined: 'x' }, { joined: {}, left: null }, { full: true }])('%j is none', (value) => {
    expect(parsePeersDelta(value)).toBeUndefined()
  })
})

test('a drain notice is milliseconds a timer can wait', () => {
  expect(parseDrainNotice({ afterMs: 0 })).toEqual({ afterMs: 0 })
  expect(parseDrainNotice({ afterMs: 1500.5, more: 1 })).toEqual({ afterMs: 1500.5 })
  for (const far of [2 ** 31, 1e300, Infinity])
    expect(parseDrainNotice({ afterMs: far })).toEqual({ afterMs: 2 ** 31 - 1 })
  for (const none of [...NO_OBJECTS, {}, { afterMs: -1 }, { afterMs: NaN }, { afterMs: '5' }]) {
    expect(parseDrainNotice(none)).toBeUndefined()
  }
})

test('whatever is sent, nothing is thrown, and what is understood is understood again', () => {
  const field = fc.constantFrom(
    'websocketStar',
    'version',
    'peers',
    'limits',
    'window',
    'joined',
    'left',
    'full',
    'afterMs'
  )
  const nearly = fc.letrec((tie) => ({
    value: fc.oneof({ maxDepth: 4 }, fc.constantFrom(2, 'deltas', true), anything, tie('object')),
    object: fc.dictionary(field, tie('value'))
  })).object
  fc.assert(
    fc.property(fc.oneof(anything, nearly), (value) => {
      const request = parseConnectRequest(value)
      if (request !== undefined) expect(parseConnectRequest({ websocketStar: request })).toEqual(request)
      const answer = parseConnectAnswer(value)
      if (answer !== undefined) expect(parseConnectAnswer({ websocketStar: answer })).toEqual(answer)
      const delta = parsePeersDelta(value)
      if (delta !== undefined) expect(parsePeersDelta(delta)).toEqual(delta)
      const notice = parseDrainNotice(value)
      if (notice !== undefined) expect(parseDrainNotice(notice)).toEqual(notice)
      const accepted = parseAcceptOptions(value)
      expect(parseAcceptOptions(accepted)).toEqual(accepted)
      expect(parseCredit(parseCredit(value))).toBe(parseCredit(value))
    }),
    { numRuns: 1000 }
  )
})
