import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { DiscoveryBudget, type DiscoveryBudgetOptions } from '../../src/discovery/budget.js'
import { Discovery, type DiscoveryOptions } from '../../src/discovery/discovery.js'
import { SLOW_BACKLOG } from '../../src/discovery/batch-pause.js'
import type { PeerEntry } from '../../src/registry/peer-entry.js'
import { Registry } from '../../src/registry/registry.js'
import { joinList } from '../../src/star/join-list.js'
import { Counters } from '../../src/stats.js'
import { address, addressWithoutPeer, OTHER_PREFIX, peerId, PREFIX } from '../support/addresses.js'
import { createSessionEntry, type RecordingSessionEntry } from '../support/session-entry.js'

const THIRD_PREFIX = '/dns4/third.example/wss/p2p-websocket-star'

/** Returns the text that announces a peer under a prefix. */
function announcement(number: number, prefix = PREFIX): string {
  return `2["ws-peer","${prefix}/ipfs/${peerId(number)}"]`
}

describe('discovery', () => {
  let registry: Registry
  let counters: Counters
  let budget: DiscoveryBudget
  let discovery: Discovery
  let now: number

  function create(options: Partial<DiscoveryOptions & DiscoveryBudgetOptions> = {}): void {
    registry = new Registry()
    counters = new Counters()
    now = 1_000_000
    const all = {
      interval: 10_000,
      window: 256,
      maxBytesPerSecond: 4_000_000,
      ...options
    }
    budget = new DiscoveryBudget(all, counters, () => now)
    discovery = new Discovery(all, registry, budget, counters, () => now)
  }

  /** Creates a session that has joined without being announced. */
  function joined(number: number, ...prefixes: string[]): RecordingSessionEntry {
    const member = createSessionEntry(`${number}`)
    for (const prefix of prefixes.length === 0 ? [PREFIX] : prefixes) {
      registry.claim(member, address(number, prefix))
    }
    return member
  }

  function announce(number: number): void {
    void discovery.announceNewcomer(registry.get(address(number)) ?? expect.fail())
  }

  /** Announces a peer, and calls `introduced` when all have been told. */
  function introduce(entry: PeerEntry, introduced: () => void): void {
    const told = discovery.announceNewcomer(entry)
    if (told === undefined) introduced()
    else void told.then(introduced)
  }

  function leaveAll(member: RecordingSessionEntry): void {
    for (const held of member.addresses.values()) registry.release(member, held)
  }

  beforeEach(() => create())

  test('a newcomer is announced to all others, to each under its own prefix', () => {
    const [one, two, three] = [joined(1), joined(2, OTHER_PREFIX), joined(3)]
    announce(3)
    expect(one.recording.texts).toEqual([announcement(3)])
    expect(two.recording.texts).toEqual([announcement(3, OTHER_PREFIX)])
    expect(three.recording.texts).toEqual([])
    expect(counters.announcements).toBe(2)
  })

  test('nobody is told about its own peer, under any prefix and however new', () => {
    const older = joined(1, OTHER_PREFIX)
    const newer = joined(1)
    announce(1)
    discovery.tick()
    expect(older.recording.texts).toEqual([])
    expect(newer.recording.texts).toEqual([])
    expect(joinList(registry, budget, older, 256)).toEqual([])
  })

  test('a client gets addresses under the prefix it joined last', () => {
    const one = joined(1, OTHER_PREFIX, PREFIX)
    joined(2)
    discovery.tick()
    expect(one.recording.texts).toEqual([announcement(2)])
    expect(one.prefix).toBe(PREFIX)
  })

  test('when it leaves that address, under the one before', () => {
    const one = joined(1, OTHER_PREFIX, PREFIX)
    joined(2)
    registry.release(one, address(1))
    discovery.tick()
    expect(one.recording.texts).toEqual([announcement(2, OTHER_PREFIX)])
  })

  test('a client that left its last address is told nothing more', () => {
    const one = joined(1)
    joined(2)
    registry.release(one, address(1))
    announce(2)
    discovery.tick()
    expect(one.recording.texts).toEqual([])
  })

  test('a client that has left is told nothing more, and leaving twice has no effect', () => {
    const [one, two] = [joined(1), joined(2)]
    joined(3)
    leaveAll(one)
    registry.release(one, address(1))
    discovery.tick()
    expect(one.recording.texts).toEqual([])
    expect(two.recording.texts).toEqual([announcement(3)])
  })

  test('few peers are all announced in each interval', () => {
    const members = [joined(1), joined(2), joined(3)]
    for (let ticks = 0; ticks < 2; ticks++) discovery.tick()
    expect(members.map(({ recording }) => recording.texts.toSorted())).toEqual([
      [2, 2, 3, 3].map((n) => announcement(n)).toSorted(),
      [1, 1, 3, 3].map((n) => announcement(n)).toSorted(),
      [1, 1, 2, 2].map((n) => announcement(n)).toSorted()
    ])
    expect(counters.announcements).toBe(12)
  })

  test('many peers are announced in rotating windows', () => {
    create({ window: 4 })
    const subscriber = joined(0)
    for (let number = 1; number < 10; number++) joined(number)
    const told = [1, 2, 3, 4, 5].map(() => {
      const before = subscriber.recording.texts.length
      discovery.tick()
      return subscriber.recording.texts.slice(before)
    })
    // Its own peer takes up a place in the windows, but is not announced to it.
    const windows = [
      [1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 1],
      [2, 3, 4, 5],
      [6, 7, 8, 9]
    ]
    expect(told).toEqual(windows.map((window) => window.map((n) => announcement(n))))
  })

  test('a limited number of newcomers per second is announced immediately, the others by window', () => {
    create({ window: 2 })
    const subscriber = joined(0)
    for (const number of [1, 2, 3]) {
      joined(number)
      announce(number)
    }
    expect(subscriber.recording.texts).toEqual([announcement(1), announcement(2)])
    now += 999
    announce(3)
    expect(subscriber.recording.texts).toHaveLength(2)
    now += 1
    announce(3)
    expect(subscriber.recording.texts).toEqual([announcement(1), announcement(2), announcement(3)])
    discovery.tick()
    discovery.tick()
    expect(subscriber.recording.texts.filter((text) => text === announcement(3))).toHaveLength(2)
  })

  test('an address without a peer id is announced unchanged, with or without a prefix', () => {
    const one = joined(1)
    const nameless = createSessionEntry('nameless')
    const entry = registry.claim(nameless, addressWithoutPeer(7))
    void discovery.announceNewcomer(entry)
    announce(1)
    expect(one.recording.texts).toEqual(['2["ws-peer","/ip4/192.0.2.7/tcp/4001"]'])
    // It has no prefix, so that it is sent the addresses that the others joined with.
    expect(nameless.recording.texts).toEqual([announcement(1)])
    expect(nameless.prefix).toBeUndefined()
  })

  test('the answer to a join lists the others, newest first, under its prefix', () => {
    joined(1)
    joined(2, OTHER_PREFIX)
    joined(3)
    const joiner = joined(4, OTHER_PREFIX)
    expect(joinList(registry, budget, joiner, 256)).toEqual([3, 2, 1].map((n) => `${OTHER_PREFIX}/ipfs/${peerId(n)}`))
  })

  test('it names a limited number of others, none of them without a peer id', () => {
    joined(1)
    joined(2)
    joined(3)
    for (const number of [1, 2, 3]) registry.claim(createSessionEntry('nameless'), addressWithoutPeer(number))
    const joiner = joined(4)
    expect(joinList(registry, budget, joiner, 2)).toEqual([3, 2].map((n) => address(n).legacy))
  })

  test('a client without a prefix gets the others as they joined', () => {
    joined(1, OTHER_PREFIX)
    const nameless = createSessionEntry('nameless')
    registry.claim(nameless, addressWithoutPeer(7))
    expect(joinList(registry, budget, nameless, 256)).toEqual([address(1, OTHER_PREFIX).legacy])
  })

  test('only clients that want announcements get them and the list of a join', () => {
    const [deltas, none] = [createSessionEntry('deltas'), createSessionEntry('none')]
    deltas.recording.peers = 'deltas'
    none.recording.peers = 'none'
    for (const [number, member] of [deltas, none].entries()) {
      registry.claim(member, address(number))
    }
    const legacy = joined(2)
    for (const number of [0, 1, 2]) announce(number)
    discovery.tick()
    expect(legacy.recording.texts).toEqual([0, 1, 0, 1].map((number) => announcement(number)))
    expect(deltas.recording.texts).toEqual([])
    expect(none.recording.texts).toEqual([])
    expect([deltas, none, legacy].map((member) => joinList(registry, budget, member, 256).length)).toEqual([0, 0, 2])
  })

  test('a prefix counts whatever its clients subscribe to', () => {
    for (const [index, peers] of (['deltas', 'none'] as const).entries()) {
      const member = createSessionEntry(peers)
      member.recording.peers = peers
      registry.claim(member, address(index, index === 0 ? PREFIX : OTHER_PREFIX))
    }
    expect(registry.hasRoomFor(THIRD_PREFIX, 2)).toBe(false)
    expect([PREFIX, OTHER_PREFIX].map((prefix) => registry.hasRoomFor(prefix, 2))).toEqual([true, true])
  })

  test('there is room for a known prefix and a limited number of others', () => {
    expect(registry.hasRoomFor(PREFIX, 2)).toBe(true)
    const one = joined(1)
    joined(2, OTHER_PREFIX)
    expect([PREFIX, OTHER_PREFIX].map((prefix) => registry.hasRoomFor(prefix, 2))).toEqual([true, true])
    expect(registry.hasRoomFor(THIRD_PREFIX, 2)).toBe(false)
    expect(registry.hasRoomFor(undefined, 2)).toBe(false)
    leaveAll(one)
    expect(registry.hasRoomFor(THIRD_PREFIX, 2)).toBe(true)
  })

  test('a prefix counts until its last client leaves, and a client has one', () => {
    const [one, two] = [joined(1), joined(2)]
    joined(3, OTHER_PREFIX)
    leaveAll(one)
    expect(registry.hasRoomFor(THIRD_PREFIX, 2)).toBe(false)
    registry.claim(two, address(2, OTHER_PREFIX))
    expect(registry.hasRoomFor(THIRD_PREFIX, 2)).toBe(true)
  })

  test('newcomers leave windows their share of the budget, however many come', () => {
    create({ maxBytesPerSecond: 100_000 })
    for (let number = 0; number < 100; number++) joined(number)
    for (let round = 0; round < 5; round++) {
      for (let second = 0; second < 10; second++) {
        now += 1000
        for (let number = 0; number < 100; number++) announce(number)
      }
      const before = counters.announcements
      discovery.tick()
      // Half of 100 kB/s over ten seconds, for announcements of about 130 bytes to 100 clients each.
      expect(counters.announcements - before).toBeGreaterThan(30 * 99)
    }
  })

  test('a peer that is queued twice in a batch is announced once, and never to itself', async () => {
    vi.useFakeTimers()
    for (let number = 10; number < 80; number++) joined(number)
    const [one, again, other] = [joined(1), joined(1, OTHER_PREFIX), joined(2)]
    const order: string[] = []
    announce(2)
    const entry = registry.get(address(1)) ?? expect.fail()
    introduce(entry, () => order.push('first'))
    introduce(entry, () => order.push('second'))
    expect(order).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    vi.useRealTimers()
    expect(order).toEqual(['first', 'second'])
    expect(other.recording.texts).toEqual([announcement(1)])
    expect(one.recording.texts).toEqual([announcement(2)])
    expect(again.recording.texts).toEqual([announcement(2, OTHER_PREFIX)])
  })

  describe('with more subscribers than one slice', () => {
    const COUNT = 300
    let journal: unknown[][]

    function crowd(): RecordingSessionEntry[] {
      journal = []
      return Array.from({ length: COUNT }, (_, number) => {
        const member = createSessionEntry(`${number}`, journal)
        registry.claim(member, address(number))
        return member
      })
    }

    async function until(isSo: () => boolean): Promise<void> {
      while (!isSo()) await turn()
    }

    test('a newcomer is introduced when all of them have been told', async () => {
      crowd()
      const newcomer = joined(COUNT)
      const entry = registry.get(address(COUNT)) ?? expect.fail()
      introduce(entry, () => journal.push(['introduced']))
      expect(journal.length).toBeLessThan(COUNT)
      await until(() => journal.length > COUNT)
      expect(journal.at(-1)).toEqual(['introduced'])
      expect(new Set(journal.slice(0, -1).map(([id, , text]) => `${String(id)} ${String(text)}`))).toEqual(
        new Set(Array.from({ length: COUNT }, (_, number) => `${number} ${announcement(COUNT)}`))
      )
      expect(newcomer.recording.texts).toEqual([])
    })

    test('each is told once about each that joins soon after, and they are introduced in order', async () => {
      const members = crowd()
      const introduced: number[] = []
      const newcomers = [COUNT, COUNT + 1, COUNT + 2, COUNT + 3]
      for (const number of newcomers) {
        joined(number)
        const entry = registry.get(address(number)) ?? expect.fail()
        introduce(entry, () => introduced.push(number))
      }
      await until(() => introduced.length === newcomers.length)
      expect(introduced).toEqual(newcomers)
      for (const { recording } of members) {
        expect(recording.texts).toEqual(newcomers.map((number) => announcement(number)))
      }
    })

    test('a newcomer that left before its announcement is not announced, but introduced', async () => {
      const members = crowd()
      const introduced: number[] = []
      const [stays, leaves] = [joined(COUNT), joined(COUNT + 1)]
      for (const number of [COUNT, COUNT + 1]) {
        const entry = registry.get(address(number)) ?? expect.fail()
        introduce(entry, () => introduced.push(number))
      }
      registry.release(leaves, address(COUNT + 1))
      await until(() => introduced.length === 2)
      for (const { recording } of members) expect(recording.texts).toEqual([announcement(COUNT)])
      expect(stays.recording.texts).toEqual([])
    })

    test('the next window waits until all have been told of this one', async () => {
      create({ window: 2 })
      const members = crowd()
      discovery.tick()
      const before = journal.length
      discovery.tick()
      expect(journal.length).toBe(before)
      await until(() => members.every(({ recording }, index) => index < 2 || recording.texts.length === 2))
      expect(members.at(-1)?.recording.texts).toEqual([0, 1].map((number) => announcement(number)))
      await turn()
      discovery.tick()
      await until(() => members.every(({ recording }) => recording.texts.length >= 3))
      expect(members.at(-1)?.recording.texts).toEqual([0, 1, 2, 3].map((number) => announcement(number)))
    })

    test('a client that joins again, leaves or comes meanwhile is told once, or not at all', async () => {
      create({ window: 1 })
      const members = crowd()
      const [first, last, second] = [members[1], members.at(-1), members[2]]
      if (!first || !last || !second) expect.fail()
      discovery.tick()
      expect([first, second].map(({ recording }) => recording.texts.length)).toEqual([1, 1])
      for (const prefix of [OTHER_PREFIX, THIRD_PREFIX]) {
        registry.claim(first, address(1, prefix))
      }
      registry.claim(second, address(2))
      leaveAll(last)
      await until(() =>
        members.every(({ recording }, index) => index % (COUNT - 1) === 0 || recording.texts.length > 0)
      )
      await turn()
      expect([first, second, last].map(({ recording }) => recording.texts.length)).toEqual([1, 1, 0])
    })

    test('after a stop nobody more is told, and after a restart all are', async () => {
      create({ window: 1 })
      const members = crowd()
      discovery.tick()
      const before = journal.length
      expect(before).toBeLessThan(COUNT - 1)
      discovery.stop()
      await turn()
      await turn()
      expect(journal.length).toBe(before)
      discovery.tick()
      await until(() => members.every(({ recording }, index) => index === 1 || recording.texts.length > 0))
    })

    test('newcomers that are queued at a stop are not announced', async () => {
      const members = crowd()
      for (const number of [COUNT, COUNT + 1]) {
        joined(number)
        announce(number)
      }
      discovery.stop()
      const before = journal.length
      await new Promise((resolve) => setTimeout(resolve, 100))
      expect(journal.length).toBe(before)
      expect(members.at(-1)?.recording.texts).toEqual([])
    })
  })

  test('without subscribers a newcomer is introduced immediately', () => {
    const none = createSessionEntry('none')
    none.recording.peers = 'none'
    const entry = registry.claim(none, address(1))
    const introduced: unknown[] = []
    introduce(entry, () => introduced.push(entry))
    expect(introduced).toEqual([entry])
  })

  test('a slow reader gets no newcomers and windows, and all of them again once it has read', () => {
    const [slow, other] = [joined(1), joined(2)]
    slow.recording.recordingLink.buffered = SLOW_BACKLOG + 1
    joined(3)
    announce(3)
    discovery.tick()
    expect(slow.recording.texts).toEqual([])
    expect(other.recording.texts).toEqual([3, 1, 3].map((number) => announcement(number)))
    expect(counters.announcements).toBe(other.recording.texts.length + 2)
    slow.recording.recordingLink.buffered = SLOW_BACKLOG
    discovery.tick()
    expect(slow.recording.texts).toEqual([2, 3].map((number) => announcement(number)))
  })

  describe('the budget', () => {
    const [RATE, INTERVAL] = [10_000, 5_000]

    /** Returns the bytes sent to all clients, as WebSocket messages. */
    function sentTo(members: readonly RecordingSessionEntry[]): number {
      const texts = members.flatMap(({ recording }) => recording.texts)
      return texts.reduce<number>((sum, text) => sum + String(text).length + (String(text).length < 125 ? 3 : 5), 0)
    }

    /** Returns how often a client was told about a peer: the minimum and the maximum. */
    function extremes(member: RecordingSessionEntry, count: number): [number, number] {
      const others = Array.from({ length: count }, (_, number) => announcement(number)).filter(
        (text) => text !== announcement(Number(member.session.id))
      )
      const counts = others.map((text) => member.recording.texts.filter((other) => other === text).length)
      return [Math.min(...counts), Math.max(...counts)]
    }

    test('makes windows smaller, and announces all peers equally often', () => {
      create({ maxBytesPerSecond: RATE, interval: INTERVAL })
      const members = Array.from({ length: 40 }, (_, number) => joined(number))
      const begun = now
      while (extremes(members[0] ?? expect.fail(), 40)[0] < 3) {
        now += INTERVAL
        discovery.tick()
        expect(sentTo(members)).toBeLessThanOrEqual((RATE * (INTERVAL + now - begun)) / 1000)
      }
      for (const member of members) {
        const [least, most] = extremes(member, 40)
        expect(most - least).toBeLessThanOrEqual(1)
      }
      // The budget is also used: it allows more than three rounds of 40 peers to 39 clients.
      expect(sentTo(members)).toBeGreaterThan((RATE * (now - begun - INTERVAL)) / 1000 / 2)
    })

    test('of less than one announcement to all accumulates', () => {
      create({ maxBytesPerSecond: RATE, interval: INTERVAL })
      const members = Array.from({ length: 1_000 }, (_, number) => joined(number))
      const begun = now
      const [first] = members
      const one = 1_000 * 130
      const told: number[] = []
      for (let tick = 0; tick < 100; tick++) {
        now += INTERVAL
        vi.useFakeTimers()
        discovery.tick()
        vi.runAllTimers()
        vi.useRealTimers()
        told.push(first?.recording.texts.length ?? 0)
        expect(sentTo(members)).toBeLessThanOrEqual(one + (RATE * (INTERVAL + now - begun)) / 1000)
      }
      const steps = told.map((count, index) => count - (told[index - 1] ?? 0))
      expect(Math.max(...steps)).toBe(1)
      expect(told.at(-1)).toBeGreaterThan(10)
    })

    test('is not exceeded by newcomers and windows together, whenever peers join', () => {
      const comings = fc.array(fc.record({ after: fc.nat({ max: 2_000 }), count: fc.nat({ max: 30 }) }), {
        minLength: 5,
        maxLength: 30
      })
      fc.assert(
        fc.property(comings, (comings) => {
          create({ maxBytesPerSecond: RATE, interval: INTERVAL, window: 1_000 })
          const begun = now
          const members: RecordingSessionEntry[] = []
          let nextTick = now + INTERVAL
          for (const { after, count } of comings) {
            now += after
            for (let index = 0; index < count && members.length < 60; index++) {
              members.push(joined(members.length))
              announce(members.length - 1)
            }
            for (; nextTick <= now; nextTick += INTERVAL) discovery.tick()
            expect(sentTo(members)).toBeLessThanOrEqual((RATE * (INTERVAL + now - begun)) / 1000)
          }
        }),
        { numRuns: 30 }
      )
    })
  })
})
