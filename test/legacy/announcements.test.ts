import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { joinLegacy, observedAddress, refusal } from '../support/legacy.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'

test('a client is told of the others again at every interval', async () => {
  await using star = await startStar({ discovery: { interval: 100 } })
  await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
  await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
  await using carol = await joinLegacy({ star: star.multiaddr, name: 'carol' })

  for (const node of [alice, bob, carol]) {
    for (const other of [alice, bob, carol].filter((other) => other !== node)) {
      await node.discovered.until('the fifth word of another', () => node.discovered.count(other.address) >= 5)
    }
    expect(node.discovered.items).not.toContain(node.address)
  }
})

test('one that left is announced no more', async () => {
  await using star = await startStar({ discovery: { interval: 100 } })
  await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
  await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
  await using carol = await joinLegacy({ star: star.multiaddr, name: 'carol' })
  await alice.discovered.until('word of bob', (items) => items.includes(bob.address))
  await bob.close()

  await eventually('bob to be gone', async () => (await refusal(alice.dial(bob.address))) === 'Peer not found')
  const before = alice.discovered.items.length
  await alice.discovered.until('five rounds more', (items) => items.length >= before + 5)
  expect(new Set(alice.discovered.items.slice(before))).toEqual(new Set([carol.address]))
})

test('every client hears of the others under the prefix it joined with itself, and can dial them so', async () => {
  await using star = await startStar({ discovery: { interval: 100 } })
  const byName = star.multiaddr.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
  await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
  await using bob = await joinLegacy({ star: byName, name: 'bob' })
  const bobForAlice = `${star.multiaddr}/ipfs/${bob.peerId}`
  const aliceForBob = `${byName}/ipfs/${alice.peerId}`

  // at once
  expect(bob.discovered.items).toContain(aliceForBob)
  await alice.discovered.until('word of bob', (items) => items.includes(bobForAlice))
  // and again
  await bob.discovered.until('more words of alice', () => bob.discovered.count(aliceForBob) >= 3)
  await alice.discovered.until('more words of bob', () => alice.discovered.count(bobForAlice) >= 3)
  // and never otherwise
  expect(new Set(bob.discovered.items)).toEqual(new Set([aliceForBob]))
  expect(new Set(alice.discovered.items)).toEqual(new Set([bobForAlice]))

  expect(await roundTrip(randomChunks(100_000), await alice.dial(bobForAlice))).toEqual(intact)
  // and so can the one that is dialled, by what it is told of the caller
  const accepted = await bob.accepted.next("alice's dial")
  expect(await observedAddress(accepted)).toBe(aliceForBob)
  expect(await roundTrip(randomChunks(100_000), await bob.dial(aliceForBob))).toEqual(intact)
})

test('a peer that joined under two prefixes hears nothing of itself', async () => {
  await using star = await startStar({ discovery: { interval: 100 } })
  const byName = star.multiaddr.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
  await using here = await joinLegacy({ star: star.multiaddr, name: 'alice' })
  await using there = await joinLegacy({ star: byName, name: 'alice' })
  await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

  for (const [node, prefix] of [
    [here, star.multiaddr],
    [there, byName]
  ] as const) {
    const address = `${prefix}/ipfs/${bob.peerId}`
    await node.discovered.until('three words of bob', () => node.discovered.count(address) >= 3)
    expect(new Set(node.discovered.items)).toEqual(new Set([address]))
  }
})
