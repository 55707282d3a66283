import { WIRE_ERRORS } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { BudgetLimits } from '../../src/budget/limits.js'
import { address } from '../support/addresses.js'
import { ALICE, BOB, DialScene } from '../support/dialing.js'
import type { RecordingSessionEntry } from '../support/session-entry.js'

let scene: DialScene

beforeEach(() => {
  scene = new DialScene()
})

describe('dials are counted against', () => {
  /** @param rates - of a session and of an address */
  function sceneWith(rates: Partial<BudgetLimits> = {}): DialScene {
    return new DialScene({ pendingDialsPerSession: 1000 }, 16, { dialsPerSecond: 2, dialsPerSecondPerIp: 3, ...rates })
  }

  /** Dials that fail for want of a peer: they count too. @returns what each was answered with */
  function dialNobody(from: RecordingSessionEntry, times: number): unknown[] {
    const before = scene.journal.length
    for (let i = 0; i < times; i++) scene.dial(from, ALICE.legacy, address(9).legacy, `n${i}`)
    return scene.journal.slice(before).map(([, answer]) => answer)
  }

  test('the rate of their session, of which four times as many may come at once', () => {
    scene = sceneWith()
    expect(dialNobody(scene.alice, 9)).toEqual([
      ...Array.from({ length: 8 }, () => WIRE_ERRORS.peerNotFound),
      WIRE_ERRORS.tooManyRequests
    ])
    expect(scene.counters.snapshot().refused).toEqual({ 'peer not found': 8, 'rate limit': 1 })
    scene.now += 499
    expect(dialNobody(scene.alice, 1)).toEqual([WIRE_ERRORS.tooManyRequests])
    scene.now += 1
    expect(dialNobody(scene.alice, 2)).toEqual([WIRE_ERRORS.peerNotFound, WIRE_ERRORS.tooManyRequests])
  })

  test('the rate of their IP address, whichever session they come from', () => {
    scene = sceneWith()
    dialNobody(scene.alice, 8)
    const answers = dialNobody(scene.bob, 5)
    expect(answers.filter((answer) => answer !== WIRE_ERRORS.tooManyRequests)).toHaveLength(4)
    expect(scene.counters.snapshot().refused['rate limit']).toBe(1)
  })

  test('no rate of an IP address that is exempt', () => {
    scene = sceneWith()
    dialNobody(scene.joinedFrom({ ip: '127.0.0.1', exempt: true, scope: 'loopback' }, 'carol', address(3)), 8)
    expect(dialNobody(scene.bob, 8)).not.toContain(WIRE_ERRORS.tooManyRequests)
  })

  test('nothing that came long ago', () => {
    scene = sceneWith({ dialsPerSecond: 100 })
    expect(dialNobody(scene.alice, 13)).toContain(WIRE_ERRORS.tooManyRequests)
    scene.now += 1_000
    scene.budget.sweep()
    // Of the twelve three have come back: the sweep forgets only what is as good as new.
    expect(dialNobody(scene.bob, 4).filter((answer) => answer === WIRE_ERRORS.tooManyRequests)).toHaveLength(1)
    scene.now += 4_000
    scene.budget.sweep()
    expect(dialNobody(scene.bob, 13).filter((answer) => answer === WIRE_ERRORS.tooManyRequests)).toHaveLength(1)
  })

  test('the streams that wait to be accepted, until they are', () => {
    scene = new DialScene({ unacceptedStreams: 2 })
    for (const id of ['a', 'b', 'c']) scene.dialBob(id)
    expect(scene.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.tooManyUnaccepted])
    expect(scene.counters.snapshot().refused).toEqual({ 'unaccepted limit': 1 })
    scene.router.route(scene.bob.session, { kind: 'accept', stream: 'b.dialer', window: undefined })
    scene.dialBob('d')
    expect(scene.bob.recording.requests.map(({ args }) => args[0])).toEqual(['a', 'b', 'd'])
  })

  test('the streams of its own dials in both directions, whoever leaves them waiting', () => {
    scene = new DialScene({ unacceptedStreams: 2 })
    const { router, alice, bob } = scene
    for (const id of ['a', 'b']) {
      scene.dialBob(id)
      router.route(bob.session, { kind: 'accept', stream: `${id}.dialer`, window: undefined })
      bob.recording.answer()
    }
    // Bob could send on both, and Alice accepts neither: both count for her.
    expect([alice, bob].map(({ session }) => router.unacceptedOf(session))).toEqual([2, 0])
    scene.dialBob('c')
    expect(scene.journal.at(-1)).toEqual(['answer', WIRE_ERRORS.tooManyUnaccepted])
    scene.dial(bob, BOB.legacy, ALICE.legacy, 'd')
    expect(alice.recording.requests).toHaveLength(1)
    router.route(alice.session, { kind: 'accept', stream: 'a.listener', window: undefined })
    scene.dialBob('e')
    expect(bob.recording.requests).toHaveLength(1)
  })

  test('not the streams of others that wait to be accepted', () => {
    scene = new DialScene({ unacceptedStreams: 1 })
    scene.dialBob('a')
    scene.dial(scene.bob, BOB.legacy, ALICE.legacy, 'b')
    expect(scene.alice.recording.requests).toHaveLength(1)
  })
})

test('a fault of ours in a dial is told, and answered', () => {
  const poisoned = new Proxy([], {
    get: () => {
      throw new RangeError('poisoned')
    }
  })
  scene.dialing.dial(scene.alice, poisoned, (...answer) => scene.journal.push(['answer', ...answer]))
  expect(scene.journal).toEqual([['answer', WIRE_ERRORS.internal]])
  expect(scene.faults).toEqual([expect.any(RangeError)])
})
