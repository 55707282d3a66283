import { beforeEach, describe, expect, test } from 'vitest'
import { FlowScene, MARK, type SenderKind } from '../support/flow.js'

let scene: FlowScene

beforeEach(() => {
  scene = new FlowScene()
})

describe('credit', () => {
  test.each<[SenderKind, number | undefined, boolean, number | undefined]>([
    ['legacy', 500, false, 600],
    ['new', 500, true, 600],
    ['legacy', undefined, false, undefined],
    ['new', undefined, false, MARK]
  ])('to a %s sender, the window %s: passed on: %s, credit then %s', (kind, window, passed, credit) => {
    const half = scene.accepted(kind, window)
    expect(scene.flow.granted(half, 100)).toBe(passed)
    expect(half.credit).toBe(credit)
    expect(scene.counters.snapshot().dropped).toEqual(window === undefined ? { 'credit without window': 1 } : {})
  })

  test('before the half is accepted is none', () => {
    expect(scene.flow.granted(scene.open(), 100)).toBe(false)
    expect(scene.counters.snapshot().dropped).toEqual({ 'credit without window': 1 })
  })

  test('is added up while the sender does not read, and told at once when it has', () => {
    const half = scene.accepted('new', 0)
    scene.sender.recordingLink.buffered = 262_145
    expect([scene.flow.granted(half, 100), scene.flow.granted(half, 50)]).toEqual([false, false])
    scene.sender.recordingLink.buffered = 0
    // In order: what came before is not told yet.
    expect(scene.flow.granted(half, 7)).toBe(false)
    expect(scene.sender.sent).toEqual([])
    scene.flow.drained(scene.sender.session)
    expect(scene.sender.sent).toEqual([['credit', 'a.dialer', 157]])
    expect(half.credit).toBe(157)
    expect(scene.flow.granted(half, 5)).toBe(true)
  })

  test('of a half that has ended meanwhile is not told', () => {
    const half = scene.accepted('new', 0)
    scene.sender.recordingLink.buffered = 262_145
    scene.flow.granted(half, 100)
    half.ended = true
    scene.flow.forget(half)
    scene.flow.drained(scene.sender.session)
    expect(scene.sender.sent).toEqual([])
  })

  test('adds up without end', () => {
    const half = scene.accepted('new', 0)
    half.credit = Number.MAX_SAFE_INTEGER - 1
    scene.flow.granted(half, 2 ** 24)
    expect(half.credit).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('the window a server sets for a legacy receiver', () => {
  const credits = () => scene.sender.sent.filter(([kind]) => kind === 'credit').map(([, , bytes]) => bytes)

  test('is renewed as the receiver takes, in quarters', () => {
    const half = scene.accepted('new', undefined)
    scene.forward(half, MARK / 4 - 1)
    expect(credits()).toEqual([])
    scene.forward(half, 1)
    expect(credits()).toEqual([MARK / 4])
    expect(half.credit).toBe(MARK)
    scene.forward(half, MARK)
    expect(credits()).toEqual([MARK / 4, MARK])
  })

  test('is not renewed while much is unsent, but all at once when the receiver has taken enough', () => {
    const half = scene.accepted('new', undefined)
    scene.forward(half, 600, MARK + 1)
    scene.forward(half, 400, MARK + 401)
    expect(credits()).toEqual([])
    expect(scene.flow.admits(half, 1)).toBe(false)
    expect(scene.isPaused()).toBe(false)
    scene.drain()
    expect(credits()).toEqual([MARK])
    expect(half.credit).toBe(MARK)
    scene.drain()
    expect(credits()).toEqual([MARK])
  })

  test('is renewed no more when the half has ended', () => {
    const half = scene.accepted('new', undefined)
    scene.forward(half, MARK, MARK + 1)
    scene.flow.forget(half)
    scene.drain()
    expect(credits()).toEqual([])
  })
})
