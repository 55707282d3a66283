import { eventually, FaultProxy } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { joinLegacy, refusal } from '../support/legacy.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'

const megabytes = 1_000_000

describe('a client that comes back while its old connection is half open', () => {
  test('takes its own address back', async () => {
    await using star = await startStar()
    await using proxy = await FaultProxy.open(star)
    await using before = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'alice' })
    proxy.abandon()

    await using after = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'alice' })
    await using bob = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'bob' })
    expect(await roundTrip(randomChunks(megabytes), await bob.dial(after.address))).toEqual(intact)
    expect(after.accepted.items).toHaveLength(1)
    expect(before.accepted.items).toHaveLength(0)
  })

  test('is reached where it came back, by whatever way that was', async () => {
    await using star = await startStar()
    await using proxy = await FaultProxy.open(star)
    await using before = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'alice' })
    proxy.abandon()

    await using after = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    expect(await roundTrip(randomChunks(megabytes), await bob.dial(after.address))).toEqual(intact)
    expect(after.accepted.items).toHaveLength(1)
    expect(before.accepted.items).toHaveLength(0)
  })
})

describe('a client that comes back under another address than its half-open connection has', () => {
  test('is reached under the first as well', async () => {
    await using star = await startStar({ join: { takeoverTimeout: 500 }, dial: { ackTimeout: 2_000 } })
    await using proxy = await FaultProxy.open(star)
    await using before = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'alice' })
    proxy.abandon()

    await using after = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'bob' })
    await eventually('bob to reach alice', async () => (await refusal(bob.dial(before.address))) === undefined)
    expect(after.accepted.items).not.toHaveLength(0)
    expect(before.accepted.items).toHaveLength(0)
  })
})

describe('a half-open client', () => {
  test('does not get an address back that another of its kind leaves', async () => {
    await using star = await startStar({ join: { takeoverTimeout: 500 }, dial: { ackTimeout: 2_000 } })
    await using proxy = await FaultProxy.open(star)
    await using silent = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'alice' })
    proxy.abandon()
    await using leaving = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await leaving.close()

    await eventually('alice to be gone', async () => (await refusal(bob.dial(leaving.address))) === 'Peer not found')
    expect(silent.accepted.items).toHaveLength(0)
  })

  test('is given up when it has been silent for long', async () => {
    await using star = await startStar({ heartbeat: { interval: 200, timeout: 2_000 } })
    await using proxy = await FaultProxy.open(star)
    await using alice = await joinLegacy({ star: proxy.through(star.multiaddr), name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    const address = `${star.multiaddr}/ipfs/${alice.peerId}`
    proxy.abandon()

    await eventually('alice to be gone', async () => (await refusal(bob.dial(address))) === 'Peer not found')
    expect(star.server.stats().closed['heartbeat timeout']).toBeGreaterThanOrEqual(1)
  })
})

describe('a second listener for one peer', () => {
  test('takes the address over, and gives it back when it leaves', async () => {
    await using star = await startStar()
    await using first = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using second = await joinLegacy({ star: star.multiaddr, name: 'alice', sibling: first })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    expect(await roundTrip(randomChunks(1_000), await bob.dial(second.address))).toEqual(intact)
    expect([first.accepted.items.length, second.accepted.items.length]).toEqual([0, 1])

    await second.close()
    await eventually('bob to reach the first listener', async () => {
      expect(await roundTrip(randomChunks(1_000), await bob.dial(first.address))).toEqual(intact)
      return first.accepted.items.length > 0
    })
  })

  test('leaves the first the connections it has', async () => {
    await using star = await startStar()
    await using first = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    const connection = await bob.dial(first.address)
    await using second = await joinLegacy({ star: star.multiaddr, name: 'alice' })

    expect(await roundTrip(randomChunks(100_000), connection)).toEqual(intact)
    expect([first.accepted.items.length, second.accepted.items.length]).toEqual([1, 0])
  })

  test('is not announced to the first as somebody else', async () => {
    await using star = await startStar({ discovery: { interval: 100 } })
    await using first = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using second = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    for (const node of [first, second]) {
      await node.discovered.until('word of bob, three times', () => node.discovered.count(bob.address) >= 3)
      expect(node.discovered.items).not.toContain(node.address)
    }
  })
})
