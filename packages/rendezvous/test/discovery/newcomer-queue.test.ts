import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NewcomerQueue } from '../../src/discovery/newcomer-queue.js'
import type { PeerEntry } from '../../src/registry/peer-entry.js'

describe('a queue of newcomers', () => {
  let newcomers: NewcomerQueue
  /** Announced batches, with their `done`. */
  let batches: { keys: string[]; done: () => void }[]
  /** Peers whose announcement is done, in order. */
  let announced: string[]

  beforeEach(() => {
    vi.useFakeTimers({ now: 1_000_000, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
    batches = []
    announced = []
    create(1_000)
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  function create(perSecond: number): void {
    newcomers = new NewcomerQueue(
      perSecond,
      (entries, done) => void batches.push({ keys: entries.map(({ key }) => key), done }),
      () => Date.now()
    )
  }

  function add(key: string, subscribers: number): void {
    const entry: PeerEntry = { key, peerId: key, owners: [], claim: undefined, remote: undefined }
    newcomers.add(entry, () => announced.push(key), subscribers)
  }

  function keys(): string[][] {
    return batches.map(({ keys }) => keys)
  }

  test('announces each immediately to few subscribers', () => {
    for (const key of ['a', 'b', 'c']) add(key, 63)
    expect(keys()).toEqual([['a'], ['b'], ['c']])
    expect(vi.getTimerCount()).toBe(0)
  })

  test('announces the first immediately to many subscribers, and those soon after it together', () => {
    add('a', 100)
    vi.advanceTimersByTime(5)
    for (const key of ['b', 'c']) add(key, 100)
    vi.advanceTimersByTime(14)
    add('d', 100)
    expect(keys()).toEqual([['a']])
    vi.advanceTimersByTime(1)
    expect(keys()).toEqual([['a'], ['b', 'c', 'd']])
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(20)
    add('e', 100)
    expect(keys()).toEqual([['a'], ['b', 'c', 'd'], ['e']])
  })

  test('delays them longer for more subscribers, up to a maximum', () => {
    for (const [subscribers, pause] of [
      [1_000, 200],
      [10_000, 2_000],
      [1_000_000, 2_000]
    ] as const) {
      const [before, after] = [`before ${subscribers}`, `after ${subscribers}`]
      vi.advanceTimersByTime(10_000)
      add(before, subscribers)
      add(after, subscribers)
      vi.advanceTimersByTime(pause - 1)
      expect(keys().at(-1)).toEqual([before])
      vi.advanceTimersByTime(1)
      expect(keys().at(-1)).toEqual([after])
    }
  })

  test('reports each as announced when all have been told about its batch, not before', () => {
    add('a', 100)
    for (const key of ['b', 'c']) add(key, 100)
    vi.advanceTimersByTime(20)
    expect(announced).toEqual([])
    batches[1]?.done()
    expect(announced).toEqual(['b', 'c'])
    batches[0]?.done()
    expect(announced).toEqual(['b', 'c', 'a'])
  })

  test('queues one that comes during a broadcast for the next batch', () => {
    add('a', 100)
    add('b', 100)
    vi.advanceTimersByTime(20)
    add('c', 100)
    expect(keys()).toEqual([['a'], ['b']])
    vi.advanceTimersByTime(20)
    expect(keys()).toEqual([['a'], ['b'], ['c']])
  })

  test('has room for a limited number per second', () => {
    create(2)
    expect(newcomers.hasRoom()).toBe(true)
    add('a', 1)
    expect(newcomers.hasRoom()).toBe(true)
    add('b', 100)
    expect(newcomers.hasRoom()).toBe(false)
    vi.advanceTimersByTime(999)
    expect(newcomers.hasRoom()).toBe(false)
    vi.advanceTimersByTime(1)
    expect(newcomers.hasRoom()).toBe(true)
  })

  test('drops those that are queued when it is stopped, and announces later ones', () => {
    add('a', 100)
    add('b', 100)
    newcomers.stop()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(10_000)
    expect([keys(), announced]).toEqual([[['a']], []])
    add('c', 100)
    expect(keys()).toEqual([['a'], ['c']])
  })
})
