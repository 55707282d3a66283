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

describe('the visible peers', () => {
  let registry: Registry
  let peers: VisiblePeers
  let now: number

  beforeEach(() => {
    now = 1_000_000
    registry = new Registry()
    const budget = new DiscoveryBudget({ interval: 10_000, maxBytesPerSecond: RATE }, new Counters(), () => now)
    peers = new VisiblePeers(registry, budget)
    registry.observe({ presence: (entry, isOnline) => peers.changed(entry, isOnline, COST) })
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
    const { joined, left } = peers.log.since(from)
    return { joined: numbersOf(joined.keys()), left: numbersOf(left.keys()) }
  }

  function release(): number[] {
    return numbersOf(Array.from(peers.release(COST), ({ key }) => key))
  }

  test('are all peers while no address exceeds its share', () => {
    useUp()
    expect(told()).toEqual({ joined: [0, 1, 2, 3, 4], left: [] })
    expect([peers.hasWithheld, peers.size]).toEqual([false, 5])
  })

  test('exclude newcomers of an address over its share, until it has budget again', () => {
    useUp()
    join(5)
    join(6)
    join(7, '192.0.2.7')
    expect(told()).toEqual({ joined: [0, 1, 2, 3, 4, 7], left: [] })
    expect(numbersOf(peers.peers().map(({ key }) => key))).toEqual([0, 1, 2, 3, 4, 7])
    expect([peers.size, peers.find(peerId(5)), peers.find(peerId(7))?.key]).toEqual([6, undefined, peerId(7)])
    expect(release()).toEqual([])
    now += 1_000
    expect(release()).toEqual([5])
    now += 2_000
    expect(release()).toEqual([6])
    expect(told()).toEqual({ joined: [0, 1, 2, 3, 4, 7, 5, 6], left: [] })
    expect([peers.hasWithheld, peers.size]).toEqual([false, 8])
  })

  test('exclude withheld peers that left before', () => {
    useUp()
    const member = join(5)
    registry.release(member, address(5))
    expect([peers.hasWithheld, peers.log.end]).toEqual([false, 5])
    now += 10_000
    expect(release()).toEqual([])
  })

  test('include a withheld peer that has joined from another address since', () => {
    useUp()
    join(5)
    join(5, '192.0.2.7')
    expect(release()).toEqual([5])
  })

  test('lose a peer immediately when it leaves', () => {
    const member = join(9)
    useUp()
    const { end } = peers.log
    registry.release(member, address(9))
    expect(told(end)).toEqual({ joined: [], left: [9] })
  })

  test('leave no changes to report after a clear', () => {
    useUp()
    join(5)
    peers.clear()
    expect([peers.hasWithheld, peers.log.isEmpty, peers.size]).toEqual([false, true, 6])
  })
})
