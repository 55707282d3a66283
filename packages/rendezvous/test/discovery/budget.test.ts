import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { DiscoveryBudget } from '../../src/discovery/budget.js'
import { Registry } from '../../src/registry/registry.js'
import { joinList } from '../../src/star/join-list.js'
import { Counters, type DiscoveryKind } from '../../src/stats.js'
import { address } from '../support/addresses.js'
import { at, createSessionEntry } from '../support/session-entry.js'

const KINDS: readonly DiscoveryKind[] = ['windows', 'newcomers', 'changes', 'lists', 'answers']
const [RATE, INTERVAL] = [100_000, 10_000]
const SAVED = (RATE * INTERVAL) / 1000

let counters: Counters
let budget: DiscoveryBudget
let now: number

function create(interval = INTERVAL): void {
  counters = new Counters()
  now = 1_000_000
  budget = new DiscoveryBudget({ interval, maxBytesPerSecond: RATE }, counters, () => now)
}

function remote(ip: string, exempt = false) {
  return { ip, exempt, scope: 'global' as const }
}

/** Spends all that is left for a kind, and returns the bytes. */
function useUp(kind: DiscoveryKind): number {
  const bytes = budget.left(kind)
  budget.spend(kind, bytes)
  return bytes
}

beforeEach(() => create())

describe('the budget of discovery', () => {
  test('is available to one kind when no other sends', () => {
    for (const kind of KINDS) {
      create()
      useUp(kind)
      let sent = 0
      for (let second = 0; second < 60; second++) {
        now += 1_000
        sent += useUp(kind)
      }
      // The shares of the other kinds stay reserved until they have accumulated.
      expect(sent).toBeGreaterThan(RATE * 59)
      expect(sent).toBeLessThanOrEqual(RATE * 60)
    }
  })

  test.each(KINDS)('leaves the others their shares, however much is sent of %s', (greedy) => {
    const others = KINDS.filter((kind) => kind !== greedy)
    useUp(greedy)
    const sent = new Map(KINDS.map((kind) => [kind, 0]))
    for (let second = 0; second < 100; second++) {
      now += 1_000
      budget.spend(greedy, Math.max(0, budget.left(greedy)))
      for (const kind of others) sent.set(kind, (sent.get(kind) ?? 0) + useUp(kind))
    }
    for (const kind of others) {
      expect(sent.get(kind)).toBeGreaterThanOrEqual(RATE * 100 * (kind === 'windows' ? 0.49 : 0.12))
    }
  })

  test('is never exceeded by more than one message, whatever is sent and when', () => {
    const sending = fc.record({
      after: fc.nat({ max: 3_000 }),
      kind: fc.constantFrom(...KINDS),
      bytes: fc.nat({ max: 50_000 })
    })
    fc.assert(
      fc.property(fc.array(sending, { minLength: 20, maxLength: 200 }), (sendings) => {
        create()
        const begun = now
        let sent = 0
        for (const { after, kind, bytes } of sendings) {
          now += after
          if (budget.left(kind) <= 0) continue
          budget.spend(kind, bytes)
          sent += bytes
          // Each kind may exceed the budget by one message.
          expect(sent).toBeLessThanOrEqual(SAVED + (RATE * (now - begun)) / 1000 + KINDS.length * 50_000)
        }
        const counted = Object.values(counters.discoveryBytes).reduce((sum, bytes) => sum + bytes, 0)
        expect(counted).toBe(sent)
      })
    )
  })

  test('makes up later for having been exceeded', () => {
    useUp('changes')
    budget.spend('changes', RATE)
    for (const kind of KINDS.filter((kind) => kind !== 'changes')) useUp(kind)
    now += 1_000
    expect(budget.left('changes')).toBeLessThanOrEqual(-RATE / 2)
    now += 60_000
    expect(budget.left('changes')).toBeGreaterThan(0)
  })

  test('holds for short intervals, too', () => {
    create(20)
    expect(useUp('windows')).toBeLessThanOrEqual(RATE)
    now += 1_000
    expect(budget.left('windows')).toBeLessThanOrEqual(RATE)
  })
})

describe('the share of an address', () => {
  const [one, other, local] = [remote('192.0.2.1'), remote('192.0.2.2'), remote('127.0.0.1', true)]

  test('is a part of the budget, separate for each address', () => {
    budget.spendFor(one, 'lists', budget.leftFor(one))
    expect(budget.leftFor(one)).toBe(0)
    expect(budget.leftFor(other)).toBe(SAVED / 4)
    now += 1_000
    expect(budget.leftFor(one)).toBe(RATE / 4)
  })

  test('is that of an IPv6 network of one customer', () => {
    budget.spendFor(remote('2001:db8:1:2::1'), 'lists', SAVED)
    expect(budget.leftFor(remote('2001:db8:1:2:ffff::2'))).toBeLessThan(0)
    expect(budget.leftFor(remote('2001:db8:1:3::1'))).toBeGreaterThan(0)
  })

  test('does not count for loopback', () => {
    budget.spendFor(local, 'lists', SAVED)
    budget.spendForOrigin(local, SAVED)
    expect(budget.leftFor(local)).toBe(Number.POSITIVE_INFINITY)
    expect(budget.canAnnounceFrom(local)).toBe(true)
  })

  test('is separate for what it causes and what it receives', () => {
    budget.spendForOrigin(one, SAVED)
    expect([budget.canAnnounceFrom(one), budget.canAnnounceFrom(other), budget.canAnnounceFrom(undefined)]).toEqual([
      false,
      true,
      true
    ])
    expect(budget.leftFor(one)).toBe(SAVED / 4)
    expect(budget.left('changes')).toBeGreaterThan(0)
  })

  test('is not renewed by a sweep', () => {
    budget.spendForOrigin(one, SAVED)
    budget.spendFor(one, 'lists', SAVED)
    budget.sweep()
    expect([budget.canAnnounceFrom(one), budget.leftFor(one)]).toEqual([false, SAVED / 4 - SAVED])
    now += 100_000
    budget.sweep()
    expect([budget.canAnnounceFrom(one), budget.leftFor(one)]).toEqual([true, SAVED / 4])
  })
})

describe('the list in the answer to a join', () => {
  const LONG = `/dns4/${'a'.repeat(60)}.${'b'.repeat(700)}.example/tcp/443/wss/p2p-websocket-star`
  let registry: Registry

  beforeEach(() => {
    registry = new Registry()
    for (let number = 0; number < 300; number++) registry.claim(createSessionEntry('other'), address(number))
  })

  /** Joins repeatedly under a long prefix, and returns the length of the list in each answer. */
  function joinAgain(times: number, ip?: string): number[] {
    return Array.from({ length: times }, () => {
      const member = createSessionEntry('client', [], at(ip))
      registry.claim(member, address(1_000, LONG))
      const list = joinList(registry, budget, member, 256)
      registry.release(member, address(1_000, LONG))
      return list.length
    })
  }

  test('becomes shorter for an address that joins repeatedly, and for no other', () => {
    create()
    const lengths = joinAgain(100)
    expect(lengths).toEqual(lengths.toSorted((a, b) => b - a))
    expect([lengths[0], lengths.at(-1)]).toEqual([expect.any(Number), 0])
    expect(counters.discoveryBytes.answers).toBeLessThanOrEqual(SAVED / 4)
    expect(joinAgain(1, '192.0.2.2')[0]).toBeGreaterThan(50)
  })

  test('keeps to the budget however many addresses there are', () => {
    const begun = now
    for (let number = 0; number < 200; number++) {
      now += 10
      joinAgain(5, `192.0.2.${number}`)
      expect(counters.discoveryBytes.answers).toBeLessThanOrEqual(SAVED + (RATE * (now - begun)) / 1000)
    }
    // The last ones get some names too, once the budget has recovered.
    now += 5_000
    expect(joinAgain(1, '192.0.3.1')[0]).toBeGreaterThan(0)
  })
})
