import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DiscoveryBudget } from '../../src/discovery/budget.js'
import { DeltaDiscovery } from '../../src/discovery/delta-discovery.js'
import { Discovery } from '../../src/discovery/discovery.js'
import { SLOW_BACKLOG } from '../../src/discovery/batch-pause.js'
import { Registry } from '../../src/registry/registry.js'
import { joinList } from '../../src/star/join-list.js'
import { Counters } from '../../src/stats.js'
import { address, addressWithoutPeer, OTHER_PREFIX, peerId, PREFIX } from '../support/addresses.js'
import { createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'
import { viewOf, type PeersView } from '../support/peers-view.js'

const INTERVAL = 50

let registry: Registry
let counters: Counters
let budget: DiscoveryBudget
let discovery: Discovery
let deltas: DeltaDiscovery

beforeEach(() => {
  vi.useFakeTimers()
  create()
})

afterEach(() => {
  vi.useRealTimers()
})

function create(minSharedPeers?: number): void {
  const options = { interval: 10_000, window: 256, maxBytesPerSecond: 4_000_000 }
  registry = new Registry()
  counters = new Counters()
  budget = new DiscoveryBudget(options, counters)
  discovery = new Discovery(options, registry, budget, counters)
  deltas = new DeltaDiscovery(INTERVAL, registry, budget, counters, minSharedPeers)
}

function client(peers: 'deltas' | 'windows' | 'none' = 'deltas'): RecordingSessionEntry {
  const member = createSessionEntry('client')
  member.recording.peers = peers
  return member
}

function join(member: RecordingSessionEntry, number: number, prefix = PREFIX): RecordingSessionEntry {
  registry.claim(member, address(number, prefix))
  registry.joinAnswered(member)
  return member
}

function leave(member: RecordingSessionEntry, number: number, prefix = PREFIX): void {
  registry.release(member, address(number, prefix))
}

function end(member: RecordingSessionEntry): void {
  for (const address of member.addresses.values()) registry.release(member, address)
}

function batch(): void {
  vi.advanceTimersByTime(INTERVAL)
}

function messages(member: RecordingSessionEntry): PeersView['messages'] {
  return viewOf(member.recording.texts).messages
}

function canonical(numbers: readonly number[], prefix = PREFIX): string[] {
  return numbers.map((number) => `${prefix}/p2p/${peerId(number)}`)
}

/** Returns the numbers of the peers that a client knows, in order. */
function known(member: RecordingSessionEntry, prefix = PREFIX): number[] {
  const { peers } = viewOf(member.recording.texts)
  const numbers = Array.from({ length: 20 }, (_, number) => number)
  const found = numbers.filter((number) => peers.has(`${prefix}/p2p/${peerId(number)}`))
  expect(found).toHaveLength(peers.size)
  return found
}

describe('a client that wants deltas', () => {
  test('gets a full list immediately with its join, and no announcement', () => {
    join(client('windows'), 1)
    join(client('none'), 2, OTHER_PREFIX)
    const subscriber = join(client(), 3)
    expect(messages(subscriber)).toEqual([{ joined: canonical([1, 2]), left: [], full: true }])
    expect(joinList(registry, budget, subscriber, 256)).toEqual([])
    expect(counters.announcements).toBe(2)
    void discovery.announceNewcomer(registry.get(address(1)) ?? expect.fail())
    discovery.tick()
    batch()
    expect(subscriber.recording.texts).toHaveLength(1)
  })

  test('gets an empty one when it is alone', () => {
    expect(messages(join(client(), 1))).toEqual([{ joined: [], left: [], full: true }])
  })

  test('is told about peers that come and leave in batches', () => {
    const subscriber = join(client(), 1)
    const [two] = [join(client('windows'), 2), join(client('windows'), 3, OTHER_PREFIX)]
    vi.advanceTimersByTime(INTERVAL - 1)
    expect(messages(subscriber)).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(messages(subscriber).slice(1)).toEqual([{ joined: canonical([2, 3]), left: [] }])
    end(two)
    join(client('none'), 4)
    batch()
    expect(messages(subscriber).slice(2)).toEqual([{ joined: canonical([4]), left: canonical([2]) }])
    expect(counters.announcements).toBe(3)
  })

  test('is not told about peers that came and left, or left and came back, within a batch', () => {
    const two = join(client('windows'), 2)
    const subscriber = join(client(), 1)
    end(join(client('windows'), 3))
    leave(two, 2)
    join(two, 2)
    batch()
    expect(messages(subscriber)).toHaveLength(1)
    leave(two, 2)
    batch()
    join(two, 2)
    batch()
    expect(messages(subscriber).slice(1)).toEqual([
      { joined: [], left: canonical([2]) },
      { joined: canonical([2]), left: [] }
    ])
  })

  test('is not told again about peers of its list, but is told that they left', () => {
    const early = join(client(), 1)
    const [two, three] = [join(client('windows'), 2), join(client('windows'), 3)]
    end(two)
    const late = join(client(), 4)
    end(three)
    join(client('windows'), 5)
    expect(messages(late)).toEqual([{ joined: canonical([1, 3]), left: [], full: true }])
    batch()
    expect(messages(late).slice(1)).toEqual([{ joined: canonical([5]), left: canonical([3]) }])
    expect(messages(early).slice(1)).toEqual([{ joined: canonical([4, 5]), left: [] }])
  })

  test('is never told about its own peer, even if others own it too', () => {
    const one = join(client(), 1)
    const again = join(client(), 1, OTHER_PREFIX)
    const other = join(client(), 2)
    batch()
    end(one)
    batch()
    expect(known(again, OTHER_PREFIX)).toEqual([2])
    expect(known(one)).toEqual([2])
    expect(messages(other)).toEqual([{ joined: canonical([1]), left: [], full: true }])
  })

  test('is told about a peer that is no longer its own, and not about one that becomes its own', () => {
    const other = join(client('windows'), 2)
    const subscriber = join(client(), 1)
    join(subscriber, 2)
    batch()
    expect(known(subscriber)).toEqual([])
    leave(subscriber, 2)
    batch()
    expect(known(subscriber)).toEqual([2])
    join(subscriber, 2)
    end(other)
    leave(subscriber, 2)
    batch()
    expect(known(subscriber)).toEqual([])
    expect(messages(subscriber)).toHaveLength(4)
  })

  test('gets addresses under its last prefix, and a new list when that changes', () => {
    const other = join(client(), 1)
    const subscriber = join(client(), 2)
    join(subscriber, 2, OTHER_PREFIX)
    expect(messages(subscriber).slice(1)).toEqual([{ joined: canonical([1], OTHER_PREFIX), left: [], full: true }])
    batch()
    leave(subscriber, 2, OTHER_PREFIX)
    batch()
    join(client('none'), 3, OTHER_PREFIX)
    batch()
    expect(messages(subscriber).slice(2)).toEqual([
      { joined: canonical([1]), left: [], full: true },
      { joined: canonical([3]), left: [] }
    ])
    expect(messages(other).slice(1)).toEqual([
      { joined: canonical([2]), left: [] },
      { joined: canonical([3]), left: [] }
    ])
  })

  test('shares the text of a batch with other clients of its prefix', () => {
    const subscribers = [1, 2, 3].map((number) => join(client(), number, number === 3 ? OTHER_PREFIX : PREFIX))
    batch()
    join(client('none'), 4)
    batch()
    const texts = subscribers.map(({ recording }) => recording.texts.at(-1))
    expect(texts[0]).toBe(`2["ss-peers",{"joined":["${canonical([4])[0]}"],"left":[]}]`)
    expect(texts[1]).toBe(texts[0])
    expect(texts[2]).toBe(texts[0]?.toString().replace(PREFIX, OTHER_PREFIX))
  })

  test('gets addresses without a peer id unchanged, and bare peer ids if it has no prefix', () => {
    const nameless = client()
    registry.claim(nameless, addressWithoutPeer(7))
    registry.joinAnswered(nameless)
    const subscriber = join(client(), 1)
    batch()
    expect(messages(nameless)).toEqual([
      { joined: [], left: [], full: true },
      { joined: [`/p2p/${peerId(1)}`], left: [] }
    ])
    expect(messages(subscriber)).toEqual([{ joined: ['/ip4/192.0.2.7/tcp/4001'], left: [], full: true }])
    end(nameless)
    batch()
    expect(messages(subscriber).slice(1)).toEqual([{ joined: [], left: ['/ip4/192.0.2.7/tcp/4001'] }])
  })

  test('is told nothing after it has left its last address, and everything when it joins again', () => {
    const subscriber = join(client(), 1)
    leave(subscriber, 1)
    join(client('none'), 2)
    batch()
    expect(messages(subscriber)).toHaveLength(1)
    join(subscriber, 3)
    batch()
    expect(messages(subscriber).slice(1)).toEqual([{ joined: canonical([2]), left: [], full: true }])
  })
})

test('a client that wants no discovery gets none, and its prefix counts', () => {
  const quiet = join(client('none'), 1, OTHER_PREFIX)
  join(client(), 2)
  void discovery.announceNewcomer(registry.get(address(2)) ?? expect.fail())
  discovery.tick()
  batch()
  expect(quiet.recording.sent).toEqual([])
  expect(joinList(registry, budget, quiet, 256)).toEqual([])
  expect(quiet.prefix).toBe(OTHER_PREFIX)
})

describe('the timer', () => {
  test('runs while there are changes and subscribers', () => {
    join(client('windows'), 1)
    expect(vi.getTimerCount()).toBe(0)
    const subscriber = join(client(), 2)
    batch()
    expect(vi.getTimerCount()).toBe(0)
    const three = join(client('windows'), 3)
    join(client('windows'), 4)
    expect(vi.getTimerCount()).toBe(1)
    batch()
    expect(vi.getTimerCount()).toBe(0)
    end(three)
    expect(vi.getTimerCount()).toBe(1)
    end(subscriber)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is stopped with the server', () => {
    join(client(), 1)
    expect(vi.getTimerCount()).toBe(1)
    deltas.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a client that reads slowly', () => {
  test('is skipped, and gets a full list once it has read', () => {
    const [subscriber, other] = [join(client(), 1), join(client(), 2)]
    batch()
    subscriber.recording.recordingLink.buffered = SLOW_BACKLOG + 1
    const three = join(client('none'), 3)
    batch()
    end(three)
    join(client('none'), 4)
    batch()
    deltas.sweep()
    expect(known(subscriber)).toEqual([2])
    expect(known(other)).toEqual([1, 4])
    expect(vi.getTimerCount()).toBe(0)
    subscriber.recording.recordingLink.buffered = 0
    deltas.sweep()
    expect(messages(subscriber).at(-1)).toEqual({ joined: canonical([2, 4]), left: [], full: true })
    join(client('none'), 5)
    batch()
    expect(known(subscriber)).toEqual([2, 4, 5])
  })

  test('gets its list with the next batch, if that is sooner', () => {
    const subscriber = join(client(), 1)
    subscriber.recording.recordingLink.buffered = SLOW_BACKLOG + 1
    join(client('none'), 2)
    batch()
    subscriber.recording.recordingLink.buffered = 0
    join(client('none'), 3)
    batch()
    expect(messages(subscriber).slice(1)).toEqual([{ joined: canonical([2, 3]), left: [], full: true }])
  })

  test('gets the list of its join later, too', () => {
    join(client('none'), 1)
    const subscriber = client()
    subscriber.recording.recordingLink.buffered = SLOW_BACKLOG
    join(subscriber, 2)
    batch()
    expect(messages(subscriber)).toEqual([])
    subscriber.recording.recordingLink.buffered = 0
    deltas.sweep()
    expect(messages(subscriber)).toEqual([{ joined: canonical([1]), left: [], full: true }])
  })

  test('at the very limit is not skipped', () => {
    const subscriber = join(client(), 1)
    subscriber.recording.recordingLink.buffered = SLOW_BACKLOG
    join(client('none'), 2)
    batch()
    expect(known(subscriber)).toEqual([2])
  })
})

describe('a long list', () => {
  /** Creates peers on as few sessions as possible. */
  function populate(count: number): void {
    const owner = client('none')
    for (let number = 0; number < count; number++) registry.claim(owner, address(1000 + number))
  }

  /** Creates a client whose backlog grows with each message until it reads. */
  function unread(): { member: RecordingSessionEntry; read: () => void } {
    const member = client()
    let taken = 0
    const sent = () => member.recording.texts.reduce<number>((sum, text) => sum + String(text).length, 0)
    Object.defineProperty(member.recording.recordingLink, 'buffered', { get: () => sent() - taken })
    return { member, read: () => void (taken = sent()) }
  }

  function sizes(member: RecordingSessionEntry): (number | string)[] {
    const { messages } = viewOf(member.recording.texts, { strict: false })
    return messages.flatMap(({ joined, left, full }) => [
      ...(full ? ['full'] : []),
      joined.length,
      ...left.map(() => '-')
    ])
  }

  test.each([
    [999, ['full', 999]],
    // Its own peer, which is left out, would have been in the second part.
    [1000, ['full', 1000, 0]],
    [1001, ['full', 1000, 1]],
    [2500, ['full', 1000, 1000, 500]]
  ])('of %i comes in messages of a thousand', (count, expected) => {
    populate(count)
    const subscriber = join(client(), 1)
    expect(sizes(subscriber)).toEqual(expected)
    expect(viewOf(subscriber.recording.texts).peers.size).toBe(count)
    expect(counters.announcements).toBe(count)
  })

  test('says in each message whether others follow, so that the client knows which peers are gone', () => {
    populate(1001)
    const subscriber = join(client(), 1)
    const flags = viewOf(subscriber.recording.texts).messages.map(({ full, more }) => ({ full, more }))
    expect(flags).toEqual([{ full: true, more: true }, { more: false }])
  })

  test('serves all clients before the next batch, which tells them the rest and none its own peer', () => {
    populate(1500)
    const [first, two] = [join(client(), 1), join(client('windows'), 2)]
    const owner = createSessionEntry('owner')
    registry.claim(owner, address(3))
    const late = join(client(), 4)
    registry.release(owner, address(3))
    end(two)
    join(client('windows'), 5)
    const later = join(client(), 6)
    const all = (subscriber: RecordingSessionEntry) => viewOf(subscriber.recording.texts).peers
    expect([first, late, later].map((subscriber) => all(subscriber).size)).toEqual([1500, 1501, 1501])
    batch()
    for (const [subscriber, own] of [
      [first, 1],
      [late, 4],
      [later, 6]
    ] as const) {
      const others = [1, 4, 5, 6].filter((number) => number !== own)
      expect(new Set(all(subscriber))).toEqual(
        new Set([...canonical(others), ...canonical(Array.from({ length: 1500 }, (_, number) => 1000 + number))])
      )
    }
  })

  test('names a peer that comes back before the next batch', () => {
    populate(1500)
    const owner = createSessionEntry('owner')
    registry.claim(owner, address(2))
    const first = join(client(), 1)
    registry.release(owner, address(2))
    const late = join(client(), 3)
    registry.claim(owner, address(2))
    batch()
    for (const subscriber of [first, late]) {
      expect(viewOf(subscriber.recording.texts, { strict: false }).peers).toContain(canonical([2])[0])
    }
  })

  test('leaves out peers that left after it was made and before their part', () => {
    const owner = client('none')
    for (let number = 0; number < 1500; number++) registry.claim(owner, address(1000 + number))
    const { member, read } = unread()
    join(member, 1)
    const before = viewOf(member.recording.texts).peers.size
    registry.release(owner, address(1000))
    registry.release(owner, address(2499))
    batch()
    read()
    deltas.sweep()
    vi.advanceTimersByTime(10 * INTERVAL)
    expect(before).toBeLessThanOrEqual(1500)
    expect(viewOf(member.recording.texts, { strict: false }).peers).toEqual(
      new Set(canonical(Array.from({ length: 1498 }, (_, number) => 1001 + number)))
    )
  })

  test('of long addresses has shorter messages', () => {
    const prefix = `/dns4/${'a'.repeat(800)}/wss/p2p-websocket-star`
    populate(300)
    const subscriber = join(client(), 1, prefix)
    expect(sizes(subscriber)).toEqual(['full', 149, 149, 2])
  })

  test('pauses for its reader, which is told about changes meanwhile', () => {
    populate(6000)
    const { member, read } = unread()
    join(member, 1)
    expect(sizes(member)).toEqual(['full', 1000, 1000])
    batch()
    batch()
    deltas.sweep()
    expect(sizes(member)).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)

    read()
    join(client('none'), 2)
    batch()
    // One batch with the newcomer, and two more parts.
    expect(sizes(member).slice(3)).toEqual([1, 1000, 1000])
    expect(vi.getTimerCount()).toBe(1)
    read()
    // A listed peer leaves; of two unlisted ones that leave, one comes back.
    const [told, back, untold] = [1000, 6500, 6600].map((number) => registry.get(address(number))?.owners[0])
    for (const owner of [told, back, untold]) {
      if (owner === undefined) expect.fail()
      registry.release(owner.sessionEntry, owner.address)
    }
    join(client('none'), 6500)
    batch()
    read()
    batch()
    const { peers } = viewOf(member.recording.texts, { strict: false })
    expect(peers.size).toBe(6000 - 2 + 1)
    expect(canonical([2, 6500, 6999]).every((address) => peers.has(address))).toBe(true)
    expect(canonical([1000, 6600, 1]).some((address) => peers.has(address))).toBe(false)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('starts again if its reader is too slow for the changes', () => {
    populate(4000)
    const { member, read } = unread()
    join(member, 1)
    const many = client('none')
    for (let number = 100; number < 600; number++) registry.claim(many, address(number))
    batch()
    const more = client('none')
    for (let number = 600; number < 900; number++) registry.claim(more, address(number))
    batch()
    for (let round = 0; round < 5; round++) {
      read()
      deltas.sweep()
    }
    const { messages, peers } = viewOf(member.recording.texts, { strict: false })
    expect(messages.filter(({ full }) => full)).toHaveLength(2)
    expect(peers.size).toBe(4800)
  })
})

/** One random step; the numbers choose a client, a peer and a prefix. */
type Step = {
  kind: 'join' | 'leave' | 'end' | 'slow' | 'read' | 'batch' | 'sweep'
  client: number
  peer: number
  at: number
}

test('after any sequence of events and a batch, every client knows all peers, and is told nothing twice', () => {
  const step: fc.Arbitrary<Step> = fc.record({
    kind: fc.constantFrom('join', 'join', 'join', 'leave', 'leave', 'end', 'slow', 'read', 'batch', 'batch', 'sweep'),
    client: fc.nat(6),
    peer: fc.nat(5),
    at: fc.nat(1)
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 256), (steps, minSharedPeers) => {
      create(minSharedPeers)
      const prefixes = [PREFIX, OTHER_PREFIX]
      const clients = [0, 1, 2, 3, 4, 5, 6].map((number) => client(number < 5 ? 'deltas' : 'none'))
      for (const { kind, client: index, peer, at } of steps) {
        const member = clients[index] ?? expect.fail()
        const prefix = prefixes[at]
        const { recordingLink } = member.recording
        if (kind === 'join') join(member, peer, prefix)
        if (kind === 'leave') leave(member, peer, prefix)
        if (kind === 'end') end(member)
        if (kind === 'slow') recordingLink.buffered = SLOW_BACKLOG + 1
        if (kind === 'read') recordingLink.buffered = 0
        if (kind === 'sweep') deltas.sweep()
        if (kind !== 'batch') continue
        batch()
        deltas.sweep()
        for (const member of clients) expectInformed(member)
      }
      for (const member of clients) member.recording.recordingLink.buffered = 0
      batch()
      deltas.sweep()
      for (const member of clients) expectInformed(member)
      for (const member of clients) end(member)
      expect(vi.getTimerCount()).toBe(0)
    }),
    { numRuns: 1000 }
  )
})

function expectInformed(member: RecordingSessionEntry): void {
  const { recording, addresses, prefix } = member
  if (recording.peers === 'none') expect(recording.sent).toEqual([])
  if (recording.peers === 'none' || addresses.size === 0 || recording.buffered > 0) return
  const own = new Set(Array.from(addresses.values(), ({ peerId }) => peerId))
  const others = [0, 1, 2, 3, 4, 5].filter((n) => registry.get(address(n)) !== undefined && !own.has(peerId(n)))
  expect(known(member, prefix)).toEqual(others)
}

test('a list is not reused after a batch, since it lacks the changes of the batch', () => {
  create(1)
  join(client(), 1)
  const slow = client()
  slow.recording.recordingLink.buffered = SLOW_BACKLOG
  join(slow, 2)
  batch()
  join(client(), 3)
  join(client('none'), 4)
  slow.recording.recordingLink.buffered = 0
  batch()
  batch()
  expect([...viewOf(slow.recording.texts).peers].toSorted()).toEqual(canonical([1, 3, 4]).toSorted())
})
