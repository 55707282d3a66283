import { beforeEach, describe, expect, test } from 'vitest'
import { CEILING, FlowScene, HOLD, MARK, type SenderKind } from '../support/flow.js'
import { RecordingSession } from '../support/recording-session.js'

let scene: FlowScene

beforeEach(() => {
  scene = new FlowScene()
})

describe('accept', () => {
  test.each<[SenderKind, number | undefined, number | undefined, boolean]>([
    ['legacy', undefined, undefined, false],
    ['legacy', 500, undefined, false],
    ['legacy', 0, undefined, true],
    ['new', undefined, MARK, false],
    ['new', 500, 500, false],
    ['new', 0, 0, false]
  ])('of a %s sender with a window of %s: it is told of %s, paused: %s', (kind, window, told, paused) => {
    scene.sender.extended = kind === 'new'
    expect(scene.flow.accepted(scene.open(), window)).toBe(told)
    expect(scene.isPaused()).toBe(paused)
    expect(scene.counters.snapshot().paused).toEqual(paused ? { window: 1 } : {})
  })
})

describe('a chunk', () => {
  test.each<[SenderKind, number | undefined, number, boolean]>([
    ['legacy', undefined, 1_000_000, true],
    ['legacy', 500, 1_000_000, true],
    ['legacy', 0, 1, true],
    ['new', undefined, MARK, true],
    ['new', undefined, MARK + 1, false],
    ['new', 500, 500, true],
    ['new', 500, 501, false],
    ['new', 0, 1, false],
    ['new', 0, 0, true]
  ])('of a %s sender, the window %s, %s bytes: admitted: %s', (kind, window, bytes, admitted) => {
    expect(scene.flow.admits(scene.accepted(kind, window), bytes)).toBe(admitted)
  })

  test.each<[SenderKind, 'legacy' | 'windowed', number, number, string | undefined]>([
    ['legacy', 'legacy', 10, MARK, undefined],
    ['legacy', 'legacy', 10, MARK + 1, 'receiver'],
    ['legacy', 'legacy', 10, CEILING + 1, 'receiver'],
    ['legacy', 'windowed', 499, CEILING, undefined],
    ['legacy', 'windowed', 500, 0, 'window'],
    ['legacy', 'windowed', 501, 0, 'window'],
    ['legacy', 'windowed', 499, CEILING + 1, 'ceiling'],
    ['new', 'legacy', 10, CEILING, undefined],
    ['new', 'legacy', 10, CEILING + 1, 'ceiling'],
    ['new', 'windowed', 500, CEILING, undefined],
    ['new', 'windowed', 10, CEILING + 1, 'ceiling']
  ])('%s to %s, %s bytes, %s unsent then: paused for %s', (kind, to, bytes, buffered, reason) => {
    const half = scene.accepted(kind, to === 'windowed' ? 500 : undefined)
    expect(scene.forward(half, bytes, buffered)).toBe(true)
    expect(scene.isPaused()).toBe(reason !== undefined)
    expect(scene.counters.snapshot().paused).toEqual(reason === undefined ? {} : { [reason]: 1 })
  })

  test('of a sender that polls may not be passed on above the ceiling: it can only be answered late', () => {
    scene.sender.recordingLink.isDirect = false
    const half = scene.accepted('legacy', undefined)
    expect(scene.forward(half, 10, CEILING)).toBe(true)
    expect(scene.isPaused()).toBe(true)
    expect(scene.forward(half, 10, CEILING + 1)).toBe(false)
  })
})

describe('a paused sender', () => {
  test('goes on when the receiver has taken enough', () => {
    const half = scene.accepted('legacy', undefined)
    scene.forward(half, 10, MARK + 1)
    scene.forward(half, 10, MARK + 11)
    expect(scene.receiver.recordingLink.told).toEqual([['drain at', MARK]])
    scene.drain()
    expect(scene.isPaused()).toBe(false)
    expect(scene.sender.recordingLink.told).toEqual([['pause'], ['resume']])
    expect(scene.counters.snapshot().paused).toEqual({ receiver: 1 })
  })

  test('is paused again, and counted again', () => {
    const half = scene.accepted('legacy', undefined)
    for (let round = 0; round < 3; round++) {
      scene.forward(half, 10, MARK + 1)
      expect(scene.isPaused()).toBe(true)
      scene.drain()
      expect(scene.isPaused()).toBe(false)
    }
    expect(scene.counters.snapshot().paused).toEqual({ receiver: 3 })
  })

  test('goes on when credit is above nothing, not before', () => {
    const half = scene.accepted('legacy', 100)
    scene.forward(half, 250)
    expect(scene.flow.granted(half, 150)).toBe(false)
    expect(scene.isPaused()).toBe(true)
    scene.flow.granted(half, 1)
    expect(scene.isPaused()).toBe(false)
    expect(half.credit).toBe(1)
    scene.forward(half, 1)
    expect(scene.isPaused()).toBe(true)
  })

  test('for want of credit stays so when the receiver has taken enough', () => {
    const half = scene.accepted('legacy', 100)
    scene.forward(half, 100, CEILING + 1)
    scene.drain()
    expect(scene.isPaused()).toBe(true)
    scene.flow.granted(half, 1)
    expect(scene.isPaused()).toBe(false)
  })

  test('of a new client at the ceiling goes on when the receiver has taken enough, without credit', () => {
    const half = scene.accepted('new', 100)
    scene.forward(half, 100, CEILING + 1)
    scene.drain()
    expect(scene.isPaused()).toBe(false)
  })

  test('goes on only when no half pauses it any more', () => {
    const other = new RecordingSession('other')
    const [half, away] = [scene.accepted('legacy', undefined), scene.open('b.dialer', scene.sender, other)]
    scene.flow.accepted(away, undefined)
    scene.forward(half, 10, MARK + 1)
    other.recordingLink.buffered = MARK + 1
    scene.flow.forwarded(away, 10)
    expect(scene.counters.snapshot().paused).toEqual({ receiver: 1 })
    scene.drain()
    expect(scene.isPaused()).toBe(true)
    scene.flow.drained(other.session)
    expect(scene.isPaused()).toBe(false)
  })

  test('goes on with all others when their receiver has taken enough', () => {
    const other = new RecordingSession('other')
    const halves = [scene.accepted('legacy', undefined), scene.open('b.dialer', other, scene.receiver)]
    for (const half of halves) {
      scene.flow.accepted(half, undefined)
      scene.forward(half, 10, MARK + 1)
    }
    expect([scene.isPaused(), scene.isPaused(other)]).toEqual([true, true])
    scene.drain()
    expect([scene.isPaused(), scene.isPaused(other)]).toEqual([false, false])
  })

  test('goes on when the half that pauses it ends', () => {
    const half = scene.accepted('legacy', undefined)
    scene.forward(half, 10, MARK + 1)
    scene.flow.forget(half)
    expect(scene.isPaused()).toBe(false)
    scene.drain()
    expect(scene.sender.recordingLink.told).toEqual([['pause'], ['resume']])
  })

  test.each<[SenderKind, number | undefined, number]>([
    ['legacy', undefined, MARK + 1],
    ['legacy', 10, 0],
    ['new', 10, CEILING + 1]
  ])('%s with a window of %s is overdue after the longest stretch', (kind, window, buffered) => {
    const half = scene.accepted(kind, window)
    scene.forward(half, 10, buffered)
    scene.now += HOLD - 1
    expect(scene.flow.overdue()).toEqual([])
    scene.now += 1
    expect(scene.flow.overdue()).toEqual([half])
    scene.flow.forget(half)
    expect(scene.flow.overdue()).toEqual([])
  })

  test('has a new stretch each time', () => {
    const half = scene.accepted('legacy', undefined)
    scene.forward(half, 10, MARK + 1)
    scene.now += HOLD - 1
    scene.drain()
    scene.forward(half, 10, MARK + 1)
    scene.now += HOLD - 1
    expect(scene.flow.overdue()).toEqual([])
  })
})

test('those who were paused for a moment only are known, once', () => {
  const half = scene.accepted('legacy', undefined)
  scene.forward(half, 10, MARK + 1)
  expect([...scene.flow.takePaused()]).toEqual([scene.sender.session])
  expect([...scene.flow.takePaused()]).toEqual([scene.sender.session])
  scene.drain()
  expect([...scene.flow.takePaused()]).toEqual([scene.sender.session])
  expect([...scene.flow.takePaused()]).toEqual([])
})

describe('a client that does not read what it asked for', () => {
  /** Unsent bytes up to which requests are answered. */
  const ANSWERS = 262_144

  function ask(buffered: number): void {
    scene.sender.recordingLink.buffered = buffered
    scene.flow.requested(scene.sender.session)
  }

  test('is not read from until it has', () => {
    ask(ANSWERS)
    expect(scene.sender.recordingLink.told).toEqual([])
    ask(ANSWERS + 1)
    ask(ANSWERS + 2)
    expect(scene.sender.recordingLink.told).toEqual([['drain at', ANSWERS], ['pause']])
    expect(scene.counters.snapshot().paused).toEqual({ answers: 1 })
    scene.flow.drained(scene.sender.session)
    expect(scene.sender.recordingLink.paused).toBe(false)
  })

  test('is read from again only when no half pauses it either, and the other way round', () => {
    const half = scene.accepted('legacy', undefined)
    const releases = [() => scene.drain(), () => scene.flow.drained(scene.sender.session)]
    for (const [first, second] of [releases, releases.toReversed()]) {
      scene.forward(half, 10, MARK + 1)
      ask(ANSWERS + 1)
      first?.()
      expect(scene.sender.recordingLink.paused).toBe(true)
      second?.()
      expect(scene.sender.recordingLink.paused).toBe(false)
    }
  })

  test('leaves nothing behind when it goes', () => {
    ask(ANSWERS + 1)
    scene.flow.leave(scene.sender.session)
    scene.flow.drained(scene.sender.session)
    expect(scene.sender.recordingLink.count('resume')).toBe(0)
  })
})
