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
    const proxy = scene.accepted(kind, window)
    expect(scene.flow.granted(proxy, 100)).toBe(passed)
    expect(proxy.credit).toBe(credit)
    expect(scene.counters.snapshot().dropped).toEqual(window === undefined ? { 'credit without window': 1 } : {})
  })

  test('before the half is accepted is none', () => {
    expect(scene.flow.granted(scene.open(), 100)).toBe(false)
    expect(scene.counters.snapshot().dropped).toEqual({ 'credit without window': 1 })
  })

  test('is added up while the sender does not read, and told at once when it has', () => {
    const proxy = scene.accepted('new', 0)
    scene.sender.recordingLink.buffered = 262_145
    expect([scene.flow.granted(proxy, 100), scene.flow.granted(proxy, 50)]).toEqual([false, false])
    scene.sender.recordingLink.buffered = 0
    // In order: what came before is not told yet.
    expect(scene.flow.granted(proxy, 7)).toBe(false)
    expect(scene.sender.sent).toEqual([])
    scene.flow.drained(scene.sender.session)
    expect(scene.sender.sent).toEqual([['credit', 'a.dialer', 157]])
    expect(proxy.credit).toBe(157)
    expect(scene.flow.granted(proxy, 5)).toBe(true)
  })

  test('of a half that has ended meanwhile is not told', () => {
    const proxy = scene.accepted('new', 0)
    scene.sender.recordingLink.buffered = 262_145
    scene.flow.granted(proxy, 100)
    proxy.ended = true
    scene.flow.forget(proxy)
    scene.flow.drained(scene.sender.session)
    expect(scene.sender.sent).toEqual([])
  })

  test('adds up without end', () => {
    const proxy = scene.accepted('new', 0)
    proxy.credit = Number.MAX_SAFE_INTEGER - 1
    scene.flow.granted(proxy, 2 ** 24)
    expect(proxy.credit).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('the window a server sets for a legacy receiver', () => {
  const credits = () => scene.sender.sent.filter(([kind]) => kind === 'credit').map(([, , bytes]) => bytes)

  test('is renewed as the receiver takes, in quarters', () => {
    const proxy = scene.accepted('new', undefined)
    scene.forward(proxy, MARK / 4 - 1)
    expect(credits()).toEqual([])
    scene.forward(proxy, 1)
    expect(credits()).toEqual([MARK / 4])
    expect(proxy.credit).toBe(MARK)
    scene.forward(proxy, MARK)
    expect(credits()).toEqual([MARK / 4, MARK])
  })

  test('is not renewed while much is unsent, but all at once when the receiver has taken enough', () => {
    const proxy = scene.accepted('new', undefined)
    scene.forward(proxy, 600, MARK + 1)
    scene.forward(proxy, 400, MARK + 401)
    expect(credits()).toEqual([])
    expect(scene.flow.admits(proxy, 1)).toBe(false)
    expect(scene.isHeld()).toBe(false)
    scene.drain()
    expect(credits()).toEqual([MARK])
    expect(proxy.credit).toBe(MARK)
    scene.drain()
    expect(credits()).toEqual([MARK])
  })

  test('is renewed no more when the half has ended', () => {
    const proxy = scene.accepted('new', undefined)
    scene.forward(proxy, MARK, MARK + 1)
    scene.flow.forget(proxy)
    scene.drain()
    expect(credits()).toEqual([])
  })
})
