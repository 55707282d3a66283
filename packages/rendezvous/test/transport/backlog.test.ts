import { beforeEach, describe, expect, test } from 'vitest'
import { BacklogWatch } from '../../src/transport/backlog.js'
import { SYNCHRONOUS_QUEUE } from '../support/budget.js'
import { RecordingSession } from '../support/recording-session.js'

const STALL = 30_000
const CEILING = 1_000_000
const MOST = 5_000_000
/** Smallest backlog that is watched, in bytes. */
const WATCHED = 65_536

let watch: BacklogWatch
let now: number

/** Returns a session with such a backlog, right after a message was sent. */
function backlogged(id: string, buffered = WATCHED): RecordingSession {
  const session = new RecordingSession(id)
  session.recordingLink.buffered = buffered
  watch.afterSend(session.session)
  return session
}

/** Sweeps once per second. */
function pass(seconds: number, each: () => void = () => {}): void {
  for (let second = 0; second < seconds; second++) {
    now += 1_000
    each()
    watch.sweep()
  }
}

beforeEach(() => {
  now = 1_000_000
  watch = new BacklogWatch(
    { stallTimeout: STALL, sessionCeiling: CEILING, maxBufferedBytes: MOST },
    SYNCHRONOUS_QUEUE,
    () => now
  )
})

describe('a session is watched', () => {
  test('from a large backlog until it is empty', () => {
    const little = backlogged('little', WATCHED - 1)
    const much = backlogged('much')
    expect([...watch.sessions]).toEqual([much.session])
    expect(watch.buffered).toBe(WATCHED)
    much.recordingLink.buffered = 1
    pass(1)
    expect([...watch.sessions]).toEqual([much.session])
    much.recordingLink.buffered = 0
    pass(1)
    expect([...watch.sessions]).toEqual([])
    expect([little, much].map(({ recordingLink }) => recordingLink.count('ping'))).toEqual([0, 1])
    expect(much.recordingLink.listeners).toBe(0)
  })

  test('once, however many messages are sent', () => {
    const session = backlogged('a')
    for (let i = 0; i < 10; i++) watch.afterSend(session.session)
    expect(session.recordingLink.listeners).toBe(1)
  })

  test('until it ends or is forgotten', () => {
    const [ended, forgotten] = [backlogged('ended'), backlogged('forgotten')]
    ended.ended = true
    pass(1)
    watch.forget(forgotten.session)
    watch.forget(forgotten.session)
    expect([...watch.sessions]).toEqual([])
    expect([ended, forgotten].map(({ recordingLink }) => recordingLink.listeners)).toEqual([0, 0])
  })
})

describe('a session is stalled', () => {
  test('when it neither reads nor answers pings until the timeout', () => {
    const session = backlogged('a')
    pass(29)
    expect(session.closes).toEqual([])
    pass(1)
    expect(session.closes).toEqual(['stalled'])
    pass(1)
    expect(session.closes).toEqual(['stalled'])
    expect(session.recordingLink.listeners).toBe(0)
  })

  test.each<[string, (session: RecordingSession) => void]>([
    ['reads a little now and then', ({ recordingLink }) => (recordingLink.progress += 1)],
    ['answers pings', ({ recordingLink }) => recordingLink.pong()]
  ])('not while it %s', (_, show) => {
    const session = backlogged('a')
    for (let round = 0; round < 4; round++) {
      pass(29)
      show(session)
    }
    pass(29)
    expect(session.closes).toEqual([])
    pass(2)
    expect(session.closes).toEqual(['stalled'])
  })

  test('even if more is sent to it', () => {
    const session = backlogged('a')
    pass(31, () => {
      session.recordingLink.buffered += 1
      watch.afterSend(session.session)
    })
    expect(session.closes).toEqual(['stalled'])
  })

  test('by its last backlog, not by an earlier one', () => {
    const session = backlogged('a')
    pass(29)
    session.recordingLink.buffered = 0
    pass(1)
    session.recordingLink.buffered = WATCHED
    watch.afterSend(session.session)
    pass(29)
    expect(session.closes).toEqual([])
  })
})

describe('one backlog', () => {
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve))

  test('may reach four ceilings, since its senders are paused a little late', async () => {
    const session = backlogged('a', 4 * CEILING)
    await nextTurn()
    expect(session.closes).toEqual([])
  })

  test('above that ends its session, but not while a message is being sent', async () => {
    const session = backlogged('a', 4 * CEILING + 1)
    expect(session.closes).toEqual([])
    await nextTurn()
    expect(session.closes).toEqual(['backlog'])
  })
})

describe('all backlogs together', () => {
  test('may be as large as the limit', () => {
    const sessions = [backlogged('a', MOST / 2), backlogged('b', MOST / 2)]
    pass(1)
    expect(sessions.flatMap(({ closes }) => closes)).toEqual([])
  })

  test('above the limit end the sessions with the largest until the rest is small enough', () => {
    const sessions = [1_500_000, 3_500_000, 2_500_000, 1_000_000].map((buffered, i) => backlogged(`${i}`, buffered))
    pass(1)
    expect(sessions.map(({ closes }) => closes)).toEqual([[], ['backlog'], [], []])
    for (const { recordingLink } of sessions) recordingLink.buffered += 1_000_000
    pass(1)
    expect(sessions.map(({ closes }) => closes)).toEqual([[], ['backlog'], ['backlog'], []])
    expect(watch.buffered).toBe(4_500_000)
  })

  test('may exceed the limit with one session', () => {
    const session = backlogged('a', MOST + 1)
    pass(1)
    expect(session.closes).toEqual(['backlog'])
    expect(watch.buffered).toBe(0)
  })
})
