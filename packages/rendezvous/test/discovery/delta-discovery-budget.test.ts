import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DiscoveryBudget } from '../../src/discovery/budget.js'
import { DeltaDiscovery } from '../../src/discovery/delta-discovery.js'
import { Registry } from '../../src/registry/registry.js'
import { Counters } from '../../src/stats.js'
import { address, OTHER_PREFIX, peerId, PREFIX } from '../support/addresses.js'
import { at, createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'
import { viewOf, type PeersView } from '../support/peers-view.js'

/** Milliseconds between batches, at least, and between windows. */
const [BATCH, INTERVAL] = [50, 1_000]
/** Bytes of the addresses in the first part of a full list, and in the rest. */
const PART = 150_000

let registry: Registry
let rate: number
let begun: number
const tallies = new WeakMap<RecordingSessionEntry, { bytes: number; count: number }>()

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

function create(maxBytesPerSecond: number, minSharedPeers?: number): DeltaDiscovery {
  registry = new Registry()
  const counters = new Counters()
  rate = maxBytesPerSecond
  begun = performance.now()
  const budget = new DiscoveryBudget({ interval: INTERVAL, maxBytesPerSecond }, counters)
  return new DeltaDiscovery(BATCH, registry, budget, counters, minSharedPeers)
}

function client(peers: 'deltas' | 'none', ip?: string): RecordingSessionEntry {
  const member = createSessionEntry('client', [], at(ip))
  member.recording.peers = peers
  return member
}

function join(member: RecordingSessionEntry, number: number, prefix = PREFIX): RecordingSessionEntry {
  registry.claim(member, address(number, prefix))
  registry.joinAnswered(member)
  return member
}

function end(member: RecordingSessionEntry): void {
  for (const address of member.addresses.values()) registry.release(member, address)
}

/** Creates clients with different IP addresses that own the peers from number `first` on. */
function crowd(count: number, peers: 'deltas' | 'none', first = 0): RecordingSessionEntry[] {
  return Array.from({ length: count }, (_, index) => {
    const number = first + index
    return join(client(peers, `10.0.${number >> 8}.${number % 256}`), number)
  })
}

/** Returns the bytes sent to these clients so far. Each message is measured once. */
function sentTo(members: readonly RecordingSessionEntry[]): number {
  return members.reduce((sum, member) => {
    const tally = tallies.get(member) ?? { bytes: 0, count: 0 }
    tallies.set(member, tally)
    for (; tally.count < member.recording.sent.length; tally.count++) {
      tally.bytes += String(member.recording.sent[tally.count]?.[1]).length
    }
    return sum + tally.bytes
  }, 0)
}

/** Returns the bytes that may have been sent by now, including one message beyond the budget. */
function allowed(last = PART): number {
  return rate * Math.max(1, INTERVAL / 1000) + (rate * (performance.now() - begun)) / 1000 + last
}

function viewOfAll(member: RecordingSessionEntry, strict = true): PeersView {
  return viewOf(member.recording.texts, { strict })
}

function knows(member: RecordingSessionEntry, numbers: readonly number[], strict = true): boolean {
  const { peers } = viewOfAll(member, strict)
  const others = numbers.filter((number) => !member.addresses.has(address(number, member.prefix).canonical))
  return peers.size === others.length && others.every((number) => peers.has(`${member.prefix}/p2p/${peerId(number)}`))
}

/** Advances time until everything has been sent, and asserts that it does not take too long. */
function untilTold(seconds: number, eachStep = () => {}): void {
  for (let step = 0; vi.getTimerCount() > 0; step++) {
    if (step > seconds * 20) expect.fail(`not all is told after ${seconds} seconds`)
    vi.advanceTimersByTime(BATCH)
    eachStep()
  }
}

function numbers(count: number, first = 0): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

describe('batches', () => {
  test('are rarer when the budget is short, and leave out peers that came and left meanwhile', () => {
    create(20_000)
    const subscribers = crowd(100, 'deltas')
    untilTold(200)
    const restless = client('none', '10.9.9.9')
    const counts = subscribers.map((member) => viewOfAll(member).messages.length)
    const turns = 400
    for (let turn = 0; turn < turns; turn++) {
      join(restless, 1_000 + turn)
      vi.advanceTimersByTime(BATCH / 2)
      end(restless)
      vi.advanceTimersByTime(BATCH / 2)
      expect(sentTo(subscribers)).toBeLessThanOrEqual(allowed())
    }
    const stays = join(client('none', '10.9.9.8'), 999)
    untilTold(60)
    for (const [index, member] of subscribers.entries()) {
      expect(knows(member, [...numbers(100), 999])).toBe(true)
      const more = viewOfAll(member).messages.slice(counts[index])
      expect(more.flatMap(({ joined }) => joined).length).toBeLessThan(turns / 2)
    }
    end(stays)
    untilTold(60)
    for (const member of subscribers) expect(knows(member, numbers(100))).toBe(true)
  })

  test('go to those first who have waited longest: nobody gets a second one before all have the first', () => {
    create(20_000)
    const subscribers = crowd(100, 'deltas')
    untilTold(300)
    // Waits until no address is over its share: its clients would get lists instead.
    vi.advanceTimersByTime(10_000)
    const before = subscribers.map((member) => member.recording.sent.length)
    for (let number = 1_000; number < 1_060; number++) {
      join(client('none', `10.8.8.${number - 1_000}`), number)
      vi.advanceTimersByTime(2 * BATCH)
      const more = subscribers.map((member, index) => member.recording.sent.length - (before[index] ?? 0))
      expect(Math.max(...more) - Math.min(...more)).toBeLessThanOrEqual(1)
    }
    expect(subscribers[0]?.recording.sent.length).toBeLessThan((before[0] ?? 0) + 30)
  })

  test('name no more newcomers of one address than its share allows, and those of others immediately', () => {
    create(100_000)
    const subscribers = crowd(50, 'deltas')
    untilTold(60)
    vi.advanceTimersByTime(10_000)
    const many = client('none', '10.9.9.9')
    for (let number = 1_000; number < 1_100; number++) join(many, number)
    vi.advanceTimersByTime(2 * BATCH)
    expect(viewOfAll(subscribers[0] ?? expect.fail()).peers.size).toBeLessThan(80)
    join(client('none', '10.9.9.8'), 999)
    vi.advanceTimersByTime(2 * BATCH)
    for (const member of subscribers) expect(viewOfAll(member).peers).toContain(`${PREFIX}/p2p/${peerId(999)}`)
    untilTold(200)
    for (const member of subscribers) expect(knows(member, [...numbers(50), 999, ...numbers(100, 1_000)])).toBe(true)
  })

  test('name a newcomer to everyone even if many others keep changing their own peers', () => {
    create(50_000)
    const [restless, quiet] = [crowd(60, 'deltas'), crowd(20, 'deltas', 100)]
    // Each claims a shared peer, which changes nothing for the others.
    crowd(60, 'none', 2_000)
    untilTold(100)
    const news = `${PREFIX}/p2p/${peerId(999)}`
    const hasHeard = (member: RecordingSessionEntry) => viewOfAll(member).peers.has(news)
    for (let turn = 0; turn <= 200 || !quiet.every(hasHeard); turn++) {
      expect(turn).toBeLessThan(2_000)
      if (turn === 200) join(client('none', '10.9.9.9'), 999)
      for (const [index, member] of restless.entries()) {
        if (turn % 2 === 0) join(member, 2_000 + index)
        else registry.release(member, address(2_000 + index))
      }
      vi.advanceTimersByTime(BATCH)
    }
  })

  test('do not name a withheld peer to its own client', () => {
    create(4_000)
    const [subscriber, other] = [join(client('deltas', '10.0.0.1'), 0), join(client('deltas', '10.0.0.2'), 1)]
    const many = client('none', '10.0.0.1')
    for (let number = 100; number < 140; number++) join(many, number)
    join(subscriber, 2)
    const all = [...numbers(3), ...numbers(40, 100)]
    vi.advanceTimersByTime(BATCH)
    expect(knows(other, all)).toBe(false)
    untilTold(100)
    for (const member of [subscriber, other]) expect(knows(member, all)).toBe(true)
  })
})

describe('full lists', () => {
  const LONG = `/dns4/${'a'.repeat(800)}/tcp/443/wss/p2p-websocket-star`

  function hold(count: number): void {
    const owner = client('none', '10.9.9.9')
    for (let number = 0; number < count; number++) registry.claim(owner, address(number))
  }

  test('are sent in parts, in rotation of addresses, as the budget allows', () => {
    create(500_000)
    hold(1_000)
    const greedy = numbers(10, 5_000).map((number) => join(client('deltas', '10.0.0.1'), number, LONG))
    vi.advanceTimersByTime(BATCH)
    const other = join(client('deltas', '10.0.0.2'), 6_000)
    const all = [other, ...greedy]
    let isInformed = false
    untilTold(200, () => {
      expect(sentTo(all)).toBeLessThanOrEqual(allowed())
      if (isInformed || viewOfAll(other, false).peers.size < 1_000) return
      isInformed = true
      expect(greedy.filter((member) => viewOfAll(member, false).peers.size >= 1_000).length).toBeLessThan(5)
    })
    const everyone = [...numbers(1_000), ...numbers(10, 5_000), 6_000]
    for (const member of all) expect(knows(member, everyone, false)).toBe(true)
  })

  test('are delayed for an address that leaves and joins repeatedly, at no cost to others', () => {
    create(200_000)
    hold(200)
    vi.advanceTimersByTime(10_000)
    const greedy = client('deltas', '10.0.0.1')
    const from = performance.now()
    for (let turn = 0; turn < 2_000; turn++) {
      join(greedy, 1_000, LONG)
      vi.advanceTimersByTime(5)
      end(greedy)
    }
    const seconds = (performance.now() - from) / 1000
    expect(sentTo([greedy])).toBeLessThanOrEqual((rate / 4) * (1 + seconds) + 2 * PART)
    const other = join(client('deltas', '10.0.0.2'), 1_001)
    expect(viewOfAll(other).peers.size).toBeGreaterThanOrEqual(200)
    join(greedy, 1_000, LONG)
    untilTold(60)
    expect(knows(greedy, [...numbers(200), 1_001])).toBe(true)
  })
})

test(
  'when a thousand join at once everyone knows everyone in the end, and the budget is kept',
  { timeout: 120_000 },
  () => {
    create(4_000_000)
    const members: RecordingSessionEntry[] = []
    for (let number = 0; number < 1_200; number += 6) {
      members.push(...crowd(1, 'deltas', number))
      crowd(5, 'none', number + 1)
      if (number % 60 === 0) vi.advanceTimersByTime(10)
      if (number % 240 === 0) expect(sentTo(members)).toBeLessThanOrEqual(allowed())
    }
    untilTold(120)
    for (const member of members) expect(knows(member, numbers(1_200), false)).toBe(true)
    expect(sentTo(members)).toBeLessThanOrEqual(allowed())
  }
)

/** One random step; the numbers choose a client, a peer and a prefix. */
type Step = {
  kind: 'join' | 'leave' | 'end' | 'wait'
  client: number
  peer: number
  at: number
}

test('after any sequence of events and with any budget, every client finally knows all peers, and is told nothing twice', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('join', 'join', 'join', 'leave', 'end', 'wait', 'wait'),
    client: fc.nat(7),
    peer: fc.nat(7),
    at: fc.nat(1)
  })
  const [limits, minSharedPeers] = [fc.constantFrom(2_000, 8_000, 50_000), fc.constantFrom(0, 256)]
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), limits, minSharedPeers, (steps, limit, minSharedPeers) => {
      create(limit, minSharedPeers)
      const clients = numbers(8).map((number) => client(number < 6 ? 'deltas' : 'none', `10.0.0.${number >> 1}`))
      for (const { kind, client: index, peer, at } of steps) {
        const member = clients[index] ?? expect.fail()
        const prefix = at === 0 ? PREFIX : OTHER_PREFIX
        if (kind === 'join') join(member, peer, prefix)
        if (kind === 'leave') registry.release(member, address(peer, prefix))
        if (kind === 'end') end(member)
        if (kind === 'wait') vi.advanceTimersByTime(peer * BATCH)
        for (const other of clients) viewOfAll(other)
        expect(sentTo(clients)).toBeLessThanOrEqual(allowed(2_000))
      }
      untilTold(100)
      for (const member of clients) {
        if (member.recording.peers === 'none' || member.addresses.size === 0) continue
        const own = new Set(Array.from(member.addresses.values(), ({ peerId }) => peerId))
        const others = numbers(8).filter((n) => registry.get(address(n)) !== undefined && !own.has(peerId(n)))
        const known = [...viewOfAll(member).peers].toSorted()
        expect(known).toEqual(others.map((number) => `${member.prefix}/p2p/${peerId(number)}`).toSorted())
      }
      for (const member of clients) end(member)
      expect(vi.getTimerCount()).toBe(0)
    }),
    { numRuns: 300 }
  )
})
