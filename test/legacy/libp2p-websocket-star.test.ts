import { eventually } from '@websocket-star/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { joinLegacy, LegacyNode, observedAddress, refusal } from '../support/legacy.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'

const megabytes = 1_000_000
/** Milliseconds: so long that no test sees an announcement of this kind. */
const never = 600_000

describe('two clients', () => {
  test('hear of each other as soon as they join', async () => {
    await using star = await startStar({ discovery: { interval: never } })
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    // the later one had it with the answer to its join
    expect(bob.discovered.items).toEqual([alice.address])
    await alice.discovered.until('word of bob', (items) => items.includes(bob.address))
    expect(alice.discovered.items).toEqual([bob.address])
  })

  test('exchange megabytes, whoever dials', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    expect(await roundTrip(randomChunks(3 * megabytes), await bob.dial(alice.address))).toEqual(intact)
    expect(await roundTrip(randomChunks(3 * megabytes), await alice.dial(bob.address))).toEqual(intact)
  })

  test('exchange megabytes over several connections at once', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    const connections = await Promise.all([
      alice.dial(bob.address),
      alice.dial(bob.address),
      bob.dial(alice.address),
      bob.dial(alice.address)
    ])

    const echoes = connections.map((connection) => roundTrip(randomChunks(megabytes), connection))
    expect(await Promise.all(echoes)).toEqual([intact, intact, intact, intact])
  })

  test('see by which address they were dialled', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    await bob.dial(alice.address)
    const connection = await alice.accepted.next('a connection from bob')
    expect(await observedAddress(connection)).toBe(bob.address)
  })
})

test('clients that join at the same time all hear of each other', async () => {
  await using star = await startStar({ discovery: { interval: never } })
  const nodes = await Promise.all(
    ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map(async (name) => {
      const node = await joinLegacy({ star: star.multiaddr, name })
      onTestFinished(() => node[Symbol.asyncDispose]())
      return node
    })
  )

  for (const node of nodes) {
    const others = nodes.filter((other) => other !== node).map((other) => other.address)
    await node.discovered.until('word of all others', (items) => others.every((other) => items.includes(other)))
    expect(new Set(node.discovered.items)).toEqual(new Set(others))
  }
})

describe('a client that leaves', () => {
  test('first lets the connections end that it has dialled', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    const connection = await alice.dial(bob.address)
    await alice.close()

    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)
    expect(await roundTrip(randomChunks(1_000), connection)).toEqual(intact)
    await alice.events.until('alice to close', (events) => events.includes('close'))
    await eventually('alice to be gone', async () => (await refusal(bob.dial(alice.address))) === 'Peer not found')
  })

  test('is no longer found, and the one that stays can dial others', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await using carol = await joinLegacy({ star: star.multiaddr, name: 'carol' })
    expect(await roundTrip(randomChunks(1_000), await bob.dial(alice.address))).toEqual(intact)

    await alice.close()
    await eventually('alice to be gone', async () => (await refusal(bob.dial(alice.address))) === 'Peer not found')
    expect(await roundTrip(randomChunks(1_000), await bob.dial(carol.address))).toEqual(intact)
  })

  test('is unknown to those who join later', async () => {
    await using star = await startStar()
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await alice.close()
    await eventually('alice to be gone', async () => (await refusal(bob.dial(alice.address))) === 'Peer not found')

    await using carol = await joinLegacy({ star: star.multiaddr, name: 'carol' })
    expect(carol.discovered.items).toEqual([bob.address])
  })

  test('may come back as the same peer', async () => {
    await using star = await startStar()
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await using before = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await before.close()

    await using after = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    expect(await roundTrip(randomChunks(1_000), await bob.dial(after.address))).toEqual(intact)
    expect(after.accepted.items).toHaveLength(1)
  })
})

describe('clients whose server goes away', () => {
  test('join again by themselves when it comes back', async () => {
    await using star = await startStar({ discovery: { interval: never } })
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await alice.discovered.until('word of bob', (items) => items.includes(bob.address))
    // the first thing a client says when it is back is that the half it sent has ended
    await alice.dial(bob.address)

    await star.restart()
    await Promise.all([
      alice.discovered.until('word of bob again', () => alice.discovered.count(bob.address) === 2),
      bob.discovered.until('word of alice again', () => bob.discovered.count(alice.address) === 2)
    ])
    expect(await roundTrip(randomChunks(megabytes), await alice.dial(bob.address))).toEqual(intact)
    expect(await roundTrip(randomChunks(megabytes), await bob.dial(alice.address))).toEqual(intact)
  })

  test('are told so if they dialled meanwhile, and can dial after', async () => {
    await using star = await startStar({ discovery: { interval: never } })
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
    await star.stop()
    await eventually('alice to notice', () => alice.listener.io?.connected === false)
    // it is sent as soon as there is a connection, which is before the address is joined again
    const refused = refusal(alice.dial(bob.address))

    await star.restart()
    expect(await refused).toBe('Not authorized for this address')
    await alice.discovered.until('word of bob', () => alice.discovered.count(bob.address) === 2)
    expect(await roundTrip(randomChunks(1_000), await alice.dial(bob.address))).toEqual(intact)
  })
})

test('listening again on a closed listener is an error, not a join that is none', async () => {
  await using star = await startStar()
  await using alice = await LegacyNode.create({ star: star.multiaddr, name: 'alice' })
  await alice.listen()
  await alice.close()
  expect(alice.events.items).toEqual(['listening', 'close'])

  // it sends the signature of its last challenge where a key belongs
  expect(await refusal(alice.listen())).toBe('Crypto error')
  expect(alice.events.count('listening')).toBe(1)
})
