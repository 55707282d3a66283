import { parseAddress, type StarAddress } from '@websocket-star/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import { Compactor } from '../../src/registry/compact.js'
import type { SessionEntry } from '../../src/registry/session-entry.js'
import { Registry } from '../../src/registry/registry.js'
import { address, addressWithoutPeer, OTHER_PREFIX, peerId } from '../support/addresses.js'
import { createSessionEntry } from '../support/session-entry.js'

/** As the registry keeps it. */
const compact = (of: StarAddress) => new Compactor().compact(of)
const HOME = compact(address(1))
const AWAY = compact(address(1, OTHER_PREFIX))

describe('the registry', () => {
  let registry: Registry
  let alice: SessionEntry
  let bob: SessionEntry

  beforeEach(() => {
    registry = new Registry()
    alice = createSessionEntry('alice')
    bob = createSessionEntry('bob')
  })

  test('knows nobody at first', () => {
    expect(registry.size).toBe(0)
    expect(registry.find(HOME)).toBeUndefined()
    expect(registry.get(HOME)).toBeUndefined()
    expect([...registry.latest()]).toEqual([])
    expect(registry.window(10)).toEqual([])
  })

  test('a claimed address is found under every prefix, for it is a peer', () => {
    const entry = registry.claim(alice, HOME)
    expect(entry).toEqual({ key: peerId(1), peerId: peerId(1), owners: [{ sessionEntry: alice, address: HOME }] })
    expect(registry.findHere(HOME)?.sessionEntry).toBe(alice)
    expect(registry.findHere(AWAY)?.sessionEntry).toBe(alice)
    expect(registry.get(AWAY)).toBe(entry)
    expect(registry.find(address(2))).toBeUndefined()
    expect([...alice.addresses]).toEqual([[HOME.canonical, HOME]])
  })

  test('one peer under two prefixes is one entry', () => {
    registry.claim(alice, HOME)
    registry.claim(bob, AWAY)
    expect(registry.size).toBe(1)
    expect(registry.window(10)).toHaveLength(1)
  })

  test('the owner of the exact address is found, else the owner of its peer', () => {
    registry.claim(alice, HOME)
    registry.claim(bob, AWAY)
    expect(registry.findHere(HOME)?.sessionEntry).toBe(alice)
    expect(registry.findHere(AWAY)?.sessionEntry).toBe(bob)
    expect(
      registry.findHere(parseAddress(`/dns4/elsewhere.example/wss/p2p-websocket-star/p2p/${peerId(1)}`))?.sessionEntry
    ).toBe(bob)
  })

  test('of two owners of the same address the latest is found', () => {
    registry.claim(alice, HOME)
    const entry = registry.claim(bob, HOME)
    expect(registry.findHere(HOME)?.sessionEntry).toBe(bob)
    expect(entry.owners.map(({ sessionEntry }) => sessionEntry)).toEqual([bob, alice])
    expect(alice.addresses.has(HOME.canonical)).toBe(true)
  })

  test('claiming again makes a session the first owner, once', () => {
    registry.claim(alice, HOME)
    registry.claim(bob, HOME)
    const entry = registry.claim(alice, HOME)
    expect(entry.owners.map(({ sessionEntry }) => sessionEntry)).toEqual([alice, bob])
  })

  test('a session has joined as a peer with any address', () => {
    const entry = registry.claim(alice, AWAY)
    expect(registry.hasJoinedAs(alice, entry)).toBe(true)
    expect(registry.hasJoinedAs(bob, entry)).toBe(false)
  })

  test('all sessions of a peer keep their addresses, the latest first', () => {
    const sessionEntries = Array.from({ length: 6 }, (_, i) => createSessionEntry(`${i}`))
    for (const sessionEntry of sessionEntries) registry.claim(sessionEntry, HOME)
    expect(
      registry
        .get(HOME)
        ?.owners.map(({ sessionEntry }) => sessionEntry.session.id)
        .join('')
    ).toBe('543210')
    expect(sessionEntries.map(({ addresses }) => addresses.size)).toEqual([1, 1, 1, 1, 1, 1])
  })

  test('a session can have many addresses of a peer', () => {
    const addresses = [1, 2, 3, 4, 5].map((n) => address(1, `/dns4/star${n}.example/wss/p2p-websocket-star`))
    for (const each of addresses) registry.claim(alice, each)
    expect([...alice.addresses.values()]).toEqual(addresses.map(compact))
  })

  test('the last to leave takes the peer with it', () => {
    registry.claim(alice, HOME)
    expect(registry.release(alice, HOME)).toBeUndefined()
    expect(alice.addresses.size).toBe(0)
    expect(registry.size).toBe(0)
    expect(registry.find(HOME)).toBeUndefined()
    expect(registry.window(10)).toEqual([])
    expect([...registry.latest()]).toEqual([])
  })

  test('when the owner leaves, the entry with the others is returned', () => {
    registry.claim(alice, HOME)
    registry.claim(bob, AWAY)
    const entry = registry.release(bob, AWAY)
    expect(entry?.owners).toEqual([{ sessionEntry: alice, address: HOME }])
    expect(registry.findHere(AWAY)?.sessionEntry).toBe(alice)
  })

  test('when another leaves, nothing is to be decided', () => {
    registry.claim(alice, HOME)
    registry.claim(bob, HOME)
    expect(registry.release(alice, HOME)).toBeUndefined()
    expect(registry.findHere(HOME)?.sessionEntry).toBe(bob)
  })

  test('only the released address of a session goes', () => {
    registry.claim(alice, HOME)
    registry.claim(alice, AWAY)
    registry.claim(alice, address(2))
    registry.release(alice, HOME)
    expect([...alice.addresses.values()]).toEqual([AWAY, compact(address(2))])
    expect(registry.find(HOME)).toEqual({ sessionEntry: alice, address: AWAY })
    expect(registry.size).toBe(2)
  })

  test('releasing an address without an owner changes nothing', () => {
    registry.claim(alice, HOME)
    expect(registry.release(bob, HOME)).toBeUndefined()
    expect(registry.release(alice, AWAY)).toBeUndefined()
    expect(registry.release(alice, address(2))).toBeUndefined()
    expect(registry.findHere(HOME)?.sessionEntry).toBe(alice)
  })

  test('a promoted session is the first owner', () => {
    const carol = createSessionEntry('carol')
    for (const sessionEntry of [alice, bob, carol]) registry.claim(sessionEntry, HOME)
    const entry = registry.get(HOME) ?? expect.fail()
    registry.promote(entry, entry.owners[2] ?? expect.fail())
    expect(entry.owners.map(({ sessionEntry }) => sessionEntry.session.id)).toEqual(['alice', 'carol', 'bob'])
    expect(registry.findHere(HOME)?.sessionEntry).toBe(alice)
  })

  test('one that has gone is not promoted', () => {
    registry.claim(alice, HOME)
    registry.claim(bob, HOME)
    const entry = registry.get(HOME) ?? expect.fail()
    const gone = entry.owners[1] ?? expect.fail()
    registry.release(alice, HOME)
    registry.promote(entry, gone)
    expect(entry.owners.map(({ sessionEntry }) => sessionEntry)).toEqual([bob])
  })

  test('an address without a peer id is known by its text', () => {
    const [one, two] = [addressWithoutPeer(1), addressWithoutPeer(2)]
    const entry = registry.claim(alice, one)
    registry.claim(bob, two)
    expect(entry).toMatchObject({ key: one.canonical, peerId: undefined })
    expect(registry.findHere(one)?.sessionEntry).toBe(alice)
    expect(registry.findHere(two)?.sessionEntry).toBe(bob)
    expect(registry.size).toBe(2)
    registry.release(alice, one)
    expect(registry.find(one)).toBeUndefined()
  })

  test('tells of each peer that comes, and of each that leaves for good', () => {
    const told: unknown[] = []
    registry.observe({ presence: ({ key, owners }, isOnline) => void told.push([key, isOnline, owners.length]) })
    registry.claim(alice, HOME)
    registry.claim(alice, AWAY)
    registry.claim(bob, HOME)
    registry.release(alice, HOME)
    registry.release(bob, HOME)
    expect(told).toEqual([[peerId(1), true, 1]])
    registry.release(alice, AWAY)
    registry.release(alice, AWAY)
    registry.claim(bob, address(2))
    expect(told.slice(1)).toEqual([
      [peerId(1), false, 0],
      [peerId(2), true, 1]
    ])
  })

  test('peers are read in the order they came, with those that come meanwhile', () => {
    for (const number of [1, 2, 3]) registry.claim(alice, address(number))
    registry.claim(bob, address(1))
    const peers = registry.peers()[Symbol.iterator]()
    expect(peers.next().value?.key).toBe(peerId(1))
    registry.release(alice, address(2))
    registry.claim(alice, address(2))
    expect([peers.next(), peers.next(), peers.next()].map(({ value }) => value?.key)).toEqual([
      peerId(3),
      peerId(2),
      undefined
    ])
    expect([registry.byKey(peerId(3))?.key, registry.byKey(peerId(4))]).toEqual([peerId(3), undefined])
  })

  test('peers are listed latest claim first and handed out oldest first', () => {
    for (const number of [1, 2, 3]) registry.claim(alice, address(number))
    registry.claim(bob, address(1))
    expect([...registry.latest()].map(({ key }) => key)).toEqual([1, 3, 2].map(peerId))
    expect(registry.window(2).map(({ key }) => key)).toEqual([2, 3].map(peerId))
    expect(registry.window(2).map(({ key }) => key)).toEqual([1, 2].map(peerId))
  })
})
