import { beforeEach, describe, expect, test } from 'vitest'
import { DiscoveryBudget } from '../../src/discovery/budget.js'
import { VisiblePeers } from '../../src/discovery/visible-peers.js'
import { Registry } from '../../src/registry/registry.js'
import { Counters } from '../../src/stats.js'
import { address, peerId } from '../support/addresses.js'
import { at, createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'

/** One address may cause a quarter of this per second, and ten times that in a burst. */
const RATE = 4_000
/** Cost of announcing one peer: five use up the share of an address. */
const COST = 1_000

describe('who is online as far as clients are told', () => {
  let registry: Registry
  let presence: VisiblePeers
  let now: number

  beforeEach(() => {
    now = 1_000_000
    registry = new Registry()
    const budget = new DiscoveryBudget({ interval: 10_000, maxBytesPerSecond: RATE }, new Counters(), () => now)
    presence = new VisiblePeers(registry, budget)
    registry.observe({ presence: (entry, isOnline) => presence.changed(entry, isOnline, COST) })
  })

  function join(number: number, ip?: string): RecordingSessionEntry {
    const member = createSessionEntry(`${number}`, [], at(ip))
    registry.claim(member, address(number))
    return member
  }

  /** Uses up the share of an address with the peers 0 to 4. */
  function useUp(): void {
    for (let number = 0; number < 5; number++) join(number)
  }

  function numbersOf(keys: Iterable<string>): number[] {
    const known = Array.from({ length: 20 }, (_, number) => peerId(number))
    return Array.from(keys, (key) => known.indexOf(key))
  }

  function told(from = 0): { joined: number[]; left: number[] } {
    const { joined, left } = presence.log.since(from)
    return { joined: numbersOf(joined.keys()), left: numbersOf(left.keys()) }
  }

  function release(): number[] {
    return numbersOf(Array.from(presence.release(COST), ({ key }) => key))
  }

  test('is everyone while no address causes more than its share', () => {
    useUp()
    expect(told()).toEqual({ joined: [0, 1, 2, 3, 4], left: [] })
    expect([presence.hasWithheld, presence.size]).toEqual([false, 5])
  })

  test('is not the newcomers of one that has, until it may cause more', () => {
    useUp()
    join(5)
    join(6)
    join(7, '192.0.2.7')
    expect(told()).toEqual({ joined: [0, 1, 2, 3, 4, 7], left: [] })
    expect(numbersOf(presence.peers().map(({ key }) => key))).toEqual([0, 1, 2, 3, 4, 7])
    expect([presence.size, presence.find(peerId(5)), presence.find(peerId(7))?.key]).toEqual([6, undefined, peerId(7)])
    expect(release()).toEqual([])
    now += 1_000
    expect(release()).toEqual([5])
    now += 2_000
    expect(release()).toEqual([6])
    expect(told()).toEqual({ joined: [0, 1, 2, 3, 4, 7, 5, 6], left: [] })
    expect([presence.hasWithheld, presence.size]).toEqual([false, 8])
  })

  test('is nobody who has left before', () => {
    useUp()
    const member = join(5)
    registry.release(member, address(5))
    expect([presence.hasWithheld, presence.log.end]).toEqual([false, 5])
    now += 10_000
    expect(release()).toEqual([])
  })

  test('is one who was held back and has joined from another address since', () => {
    useUp()
    join(5)
    join(5, '192.0.2.7')
    expect(release()).toEqual([5])
  })

  test('is told of those who leave at once', () => {
    const member = join(9)
    useUp()
    const { end } = presence.log
    registry.release(member, address(9))
    expect(told(end)).toEqual({ joined: [], left: [9] })
  })

  test('is nothing to tell when nobody hears of it', () => {
    useUp()
    join(5)
    presence.clear()
    expect([presence.hasWithheld, presence.log.isEmpty, presence.size]).toEqual([false, true, 6])
  })
})
