import { beforeEach, describe, expect, test, vi } from 'vitest'
import { Discovery, type DiscoveryOptions } from '../../src/star/discovery.js'
import { Registry } from '../../src/star/registry.js'
import { Counters } from '../../src/stats.js'
import { address, addressWithoutPeer, OTHER_PREFIX, peerId, PREFIX } from '../support/addresses.js'
import { createMember, type RecordingMember } from '../support/member.js'

const THIRD_PREFIX = '/dns4/third.example/wss/p2p-websocket-star'

/** The text of an announcement of a peer to those who joined under a prefix. */
function announcement(number: number, prefix = PREFIX): string {
  return `2["ws-peer","${prefix}/ipfs/${peerId(number)}"]`
}

describe('discovery', () => {
  let registry: Registry
  let counters: Counters
  let discovery: Discovery
  let now: number

  function create(options: Partial<DiscoveryOptions> = {}): void {
    registry = new Registry()
    counters = new Counters()
    now = 1_000_000
    const all = {
      interval: 10_000,
      window: 256,
      maxBytesPerSecond: 4_000_000,
      joinList: 256,
      prefixes: 16,
      deltaInterval: 50,
      ...options
    }
    discovery = new Discovery(all, registry, counters, () => now)
  }

  /** A session that has joined, without a word to the others. */
  function joined(number: number, ...prefixes: string[]): RecordingMember {
    const member = createMember(`${number}`)
    for (const prefix of prefixes.length === 0 ? [PREFIX] : prefixes) {
      registry.claim(member, address(number, prefix))
      discovery.refresh(member)
    }
    return member
  }

  function announce(number: number): void {
    discovery.introduce(registry.get(address(number)) ?? expect.fail(), () => {})
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

  test('nobody is told of a peer it holds itself, under whatever prefix and however new', () => {
    const older = joined(1, OTHER_PREFIX)
    const newer = joined(1)
    announce(1)
    discovery.tick()
    expect(older.recording.texts).toEqual([])
    expect(newer.recording.texts).toEqual([])
    expect(discovery.joinList(older)).toEqual([])
  })

  test('a client is told under the prefix it joined last', () => {
    const one = joined(1, OTHER_PREFIX, PREFIX)
    joined(2)
    discovery.tick()
    expect(one.recording.texts).toEqual([announcement(2)])
    expect(one.prefix).toBe(PREFIX)
  })

  test('when that address is left, under the one before', () => {
    const one = joined(1, OTHER_PREFIX, PREFIX)
    joined(2)
    registry.release(one, address(1))
    discovery.refresh(one)
    discovery.tick()
    expect(one.recording.texts).toEqual([announcement(2, OTHER_PREFIX)])
  })

  test('a client that left its last address is told nothing more', () => {
    const one = joined(1)
    joined(2)
    registry.release(one, address(1))
    discovery.refresh(one)
    announce(2)
    discovery.tick()
    expect(one.recording.texts).toEqual([])
  })

  test('a forgotten client is told nothing more, and to forget it twice does nothing', () => {
    const [one, two] = [joined(1), joined(2)]
    discovery.forget(one)
    discovery.forget(one)
    discovery.tick()
    expect(one.recording.texts).toEqual([])
    expect(two.recording.texts).toEqual([announcement(1)])
  })

  test('each interval everyone is told of all others while they are few', () => {
    const members = [joined(1), joined(2), joined(3)]
    for (let ticks = 0; ticks < 2; ticks++) discovery.tick()
    expect(members.map(({ recording }) => recording.texts.toSorted())).toEqual([
      [2, 2, 3, 3].map((n) => announcement(n)).toSorted(),
      [1, 1, 3, 3].map((n) => announcement(n)).toSorted(),
      [1, 1, 2, 2].map((n) => announcement(n)).toSorted()
    ])
    expect(counters.announcements).toBe(12)
  })

  test('once they are many, of a window that goes round', () => {
    create({ window: 4 })
    const listener = joined(0)
    for (let number = 1; number < 10; number++) joined(number)
    const told = [1, 2, 3, 4, 5].map(() => {
      const before = listener.recording.texts.length
      discovery.tick()
      return listener.recording.texts.slice(before)
    })
    // Its own peer takes a place in the windows, and is left out of them.
    const windows = [
      [1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 1],
      [2, 3, 4, 5],
      [6, 7, 8, 9]
    ]
    expect(told).toEqual(windows.map((window) => window.map((n) => announcement(n))))
  })

  test('so many newcomers a second are announced at once, the others by window', () => {
    create({ window: 2 })
    const listener = joined(0)
    for (const number of [1, 2, 3]) {
      joined(number)
      announce(number)
    }
    expect(listener.recording.texts).toEqual([announcement(1), announcement(2)])
    now += 999
    announce(3)
    expect(listener.recording.texts).toHaveLength(2)
    now += 1
    announce(3)
    expect(listener.recording.texts).toEqual([announcement(1), announcement(2), announcement(3)])
    discovery.tick()
    discovery.tick()
    expect(listener.recording.texts.filter((text) => text === announcement(3))).toHaveLength(2)
  })

  test('an address without a peer id is announced as it is, to its prefix or none', () => {
    const one = joined(1)
    const nameless = createMember('nameless')
    const { entry } = registry.claim(nameless, addressWithoutPeer(7))
    discovery.refresh(nameless)
    discovery.introduce(entry, () => {})
    announce(1)
    expect(one.recording.texts).toEqual(['2["ws-peer","/ip4/192.0.2.7/tcp/4001"]'])
    // It has no prefix to be told others under: they are called as they joined.
    expect(nameless.recording.texts).toEqual([announcement(1)])
    expect(nameless.prefix).toBeUndefined()
  })

  test('the answer to a join lists the others, newest first, under its prefix', () => {
    joined(1)
    joined(2, OTHER_PREFIX)
    joined(3)
    const joiner = joined(4, OTHER_PREFIX)
    expect(discovery.joinList(joiner)).toEqual([3, 2, 1].map((n) => `${OTHER_PREFIX}/ipfs/${peerId(n)}`))
  })

  test('it names so many others and no more, none of them without a peer id', () => {
    create({ joinList: 2 })
    joined(1)
    joined(2)
    joined(3)
    for (const number of [1, 2, 3]) registry.claim(createMember('nameless'), addressWithoutPeer(number))
    const joiner = joined(4)
    expect(discovery.joinList(joiner)).toEqual([3, 2].map((n) => address(n).legacy))
  })

  test('one who joined without a prefix gets the others as they joined', () => {
    joined(1, OTHER_PREFIX)
    const nameless = createMember('nameless')
    registry.claim(nameless, addressWithoutPeer(7))
    discovery.refresh(nameless)
    expect(discovery.joinList(nameless)).toEqual([address(1, OTHER_PREFIX).legacy])
  })

  test('announcements are for those who want to hear them, and so is the list of a join', () => {
    const [deltas, none] = [createMember('deltas'), createMember('none')]
    deltas.recording.peers = 'deltas'
    none.recording.peers = 'none'
    for (const [number, member] of [deltas, none].entries()) {
      registry.claim(member, address(number))
      discovery.refresh(member)
    }
    const legacy = joined(2)
    for (const number of [0, 1, 2]) announce(number)
    discovery.tick()
    expect(legacy.recording.texts).toEqual([0, 1, 0, 1].map((number) => announcement(number)))
    expect(deltas.recording.texts).toEqual([])
    expect(none.recording.texts).toEqual([])
    expect([deltas, none, legacy].map((member) => discovery.joinList(member).length)).toEqual([0, 0, 2])
  })

  test('a prefix counts whatever its clients want to hear', () => {
    create({ prefixes: 2 })
    for (const [index, peers] of (['deltas', 'none'] as const).entries()) {
      const member = createMember(peers)
      member.recording.peers = peers
      registry.claim(member, address(index, index === 0 ? PREFIX : OTHER_PREFIX))
      discovery.refresh(member)
    }
    expect(discovery.hasRoomFor(THIRD_PREFIX)).toBe(false)
    expect([PREFIX, OTHER_PREFIX].map((prefix) => discovery.hasRoomFor(prefix))).toEqual([true, true])
  })

  test('there is room for a known prefix and for so many different ones', () => {
    create({ prefixes: 2 })
    expect(discovery.hasRoomFor(PREFIX)).toBe(true)
    const one = joined(1)
    joined(2, OTHER_PREFIX)
    expect([PREFIX, OTHER_PREFIX].map((prefix) => discovery.hasRoomFor(prefix))).toEqual([true, true])
    expect(discovery.hasRoomFor(THIRD_PREFIX)).toBe(false)
    expect(discovery.hasRoomFor(undefined)).toBe(false)
    discovery.forget(one)
    expect(discovery.hasRoomFor(THIRD_PREFIX)).toBe(true)
  })

  test('a prefix is there until its last client goes, and a client has one', () => {
    create({ prefixes: 2 })
    const [one, two] = [joined(1), joined(2)]
    joined(3, OTHER_PREFIX)
    discovery.forget(one)
    expect(discovery.hasRoomFor(THIRD_PREFIX)).toBe(false)
    registry.claim(two, address(2, OTHER_PREFIX))
    discovery.refresh(two)
    expect(discovery.hasRoomFor(THIRD_PREFIX)).toBe(true)
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
      // Half of 100 kB a second, over ten seconds, for announcements of about 130 bytes to 100 clients each.
      expect(counters.announcements - before).toBeGreaterThan(30 * 99)
    }
  })

  test('a peer that is announced twice in a batch is told once, and never to itself', async () => {
    vi.useFakeTimers()
    for (let number = 10; number < 80; number++) joined(number)
    const [one, again, other] = [joined(1), joined(1, OTHER_PREFIX), joined(2)]
    const order: string[] = []
    announce(2)
    const entry = registry.get(address(1)) ?? expect.fail()
    discovery.introduce(entry, () => order.push('first'))
    discovery.introduce(entry, () => order.push('second'))
    expect(order).toEqual([])
    await vi.advanceTimersByTimeAsync(2_000)
    vi.useRealTimers()
    expect(order).toEqual(['first', 'second'])
    expect(other.recording.texts).toEqual([announcement(1)])
    expect(one.recording.texts).toEqual([announcement(2)])
    expect(again.recording.texts).toEqual([announcement(2, OTHER_PREFIX)])
  })
})
