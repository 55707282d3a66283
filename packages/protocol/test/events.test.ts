import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  createDialId,
  EVENTS,
  halfName,
  isDialId,
  parseHalfName,
  parseStreamEventName,
  STREAM_EVENT_PREFIX,
  streamEventName
} from '../src/events.js'
import type { ClientToServerEvents, JoinAck, ServerToClientEvents, StreamEvents } from '../src/events.js'
import type { AcceptOptions, PeersDelta } from '../src/extensions.js'
import { anything } from './arbitraries.js'

const kind = fc.constantFrom('accept', 'queue', 'error', 'credit')

describe('control events', () => {
  test('are spelled as on the wire', () => {
    expect(EVENTS).toEqual({
      join: 'ss-join',
      leave: 'ss-leave',
      dial: 'ss-dial',
      incoming: 'ss-incomming',
      peer: 'ws-peer',
      peers: 'ss-peers',
      taken: 'ss-taken',
      held: 'ss-held',
      drain: 'ss-drain',
      sync: 'ss-sync'
    })
  })

  // Type errors fail the build of the tests.
  test('are typed by direction', () => {
    expectTypeOf<keyof ClientToServerEvents>().toEqualTypeOf<'ss-join' | 'ss-leave' | 'ss-dial' | 'ss-sync'>()
    expectTypeOf<keyof ServerToClientEvents>().toEqualTypeOf<
      'ss-incomming' | 'ws-peer' | 'ss-peers' | 'ss-taken' | 'ss-held' | 'ss-drain'
    >()
    expectTypeOf<ClientToServerEvents['ss-join']>().parameters.toEqualTypeOf<[string, string, JoinAck]>()
    expectTypeOf<ServerToClientEvents['ss-peers']>().parameters.toEqualTypeOf<[PeersDelta]>()
    expectTypeOf<ServerToClientEvents['ss-taken']>().parameters.toEqualTypeOf<[string]>()
    expectTypeOf<ServerToClientEvents['ss-held']>().parameters.toEqualTypeOf<[string]>()
  })
})

describe('stream events', () => {
  test('are spelled as on the wire', () => {
    expect(streamEventName('accept', halfName('abc', 'dialer'))).toBe('socket.io-pull-stream.accept.abc.dialer')
    expect(streamEventName('error', halfName('abc', 'listener'))).toBe('socket.io-pull-stream.error.abc.listener')
  })

  test('are typed by name', () => {
    expectTypeOf(streamEventName('queue', 'x')).toEqualTypeOf<`socket.io-pull-stream.queue.${string}`>()
    expectTypeOf(halfName('x', 'dialer')).toEqualTypeOf<`${string}.dialer`>()
    expectTypeOf<StreamEvents['socket.io-pull-stream.queue.x']>().toEqualTypeOf<[chunk: Uint8Array]>()
    expectTypeOf<StreamEvents['socket.io-pull-stream.accept.x']>().toEqualTypeOf<[options?: AcceptOptions]>()
    expectTypeOf<StreamEvents['socket.io-pull-stream.error.x']>().toEqualTypeOf<[reason: true | string]>()
    expectTypeOf<StreamEvents['socket.io-pull-stream.credit.x']>().toEqualTypeOf<[bytes: number]>()
  })

  test('names read back', () => {
    fc.assert(
      fc.property(kind, fc.string({ minLength: 1, unit: 'binary' }), (kind, stream) => {
        expect(parseStreamEventName(streamEventName(kind, stream))).toEqual({ kind, stream })
      })
    )
  })

  test.each([
    '',
    'ss-join',
    'socket.io-pull-stream',
    'socket.io-pull-stream.',
    'socket.io-pull-stream.accept',
    'socket.io-pull-stream.accept.',
    'socket.io-pull-stream..x',
    'socket.io-pull-stream.toString.x',
    'socket.io-pull-stream.Accept.x',
    'socket.io-pull-streamXaccept.x',
    ' socket.io-pull-stream.accept.x'
  ])('%j is none', (name) => {
    expect(parseStreamEventName(name)).toBeUndefined()
  })

  test('whatever the name, what was read is what was written', () => {
    const name = fc.oneof(
      fc.string(),
      fc.tuple(kind, fc.string()).map(([kind, rest]) => `${STREAM_EVENT_PREFIX}${kind}${rest}`)
    )
    fc.assert(
      fc.property(name, (name) => {
        const event = parseStreamEventName(name)
        if (event !== undefined) expect(streamEventName(event.kind, event.stream)).toBe(name)
      })
    )
  })
})

describe('dial ids', () => {
  test('is new each time', () => {
    const ids = Array.from({ length: 100 }, createDialId)
    expect(ids.filter(isDialId)).toHaveLength(100)
    expect(new Set(ids).size).toBe(100)
  })

  test.each([
    'a',
    '3e8c0f1e-0c5a-4d6b-9a53-0b7a1d4f2c11',
    'V1StGXR8_Z5jdHi6B~myT',
    'a.b:c',
    'x'.repeat(128),
    '__proto__'
  ])('%s is one', (id) => {
    expect(isDialId(id)).toBe(true)
  })

  test.each(['', 'x'.repeat(129), 'a b', 'a\n', 'ü', '😀', 'a"b', 'a/b', 'a,b', '\0', undefined, null, 5, ['a'], {}])(
    '%j is none',
    (id) => {
      expect(isDialId(id)).toBe(false)
    }
  )

  test('the cap holds', () => {
    expect(isDialId('x'.repeat(10_000_000))).toBe(false)
  })

  test('anything that is one keeps to the grammar', () => {
    const nearly = fc
      .tuple(fc.constant('a-b'), fc.string({ unit: 'binary', maxLength: 1 }))
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(fc.oneof(anything, nearly), (value) => {
        const letters = typeof value === 'string' ? value.replaceAll(/[A-Za-z0-9_~.:-]/g, '') : 'no text'
        expect(isDialId(value)).toBe(letters === '' && value !== '')
      })
    )
  })

  test('the names of their halves read back', () => {
    const dialId = fc.stringMatching(/^[A-Za-z0-9_~.:-]{1,128}$/)
    fc.assert(
      fc.property(dialId, fc.constantFrom('dialer', 'listener'), (dialId, side) => {
        expect(parseHalfName(halfName(dialId, side))).toEqual({ dialId, side })
      })
    )
  })

  test.each(['dialer', '.dialer', 'a.b', 'a.Dialer', 'a b.dialer', `${'x'.repeat(129)}.listener`, 'a.dialer.'])(
    '%j is no half of a dial',
    (stream) => {
      expect(parseHalfName(stream)).toBeUndefined()
    }
  )
})
