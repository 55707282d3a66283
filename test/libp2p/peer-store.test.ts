import { setTimeout as sleep } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createStarClient } from '@websocket-star/client'
import { webSocketStarDiscovery } from '@websocket-star/libp2p'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test, vi } from 'vitest'
import { startNode, type TestNode } from '../support/libp2p-node.js'
import { startStar } from '../support/star.js'

/** Milliseconds after which the peer stores of these tests hide an address; by default an hour. */
const MAX_AGE = 3_000
const ELSEWHERE = '/ip4/203.0.113.1/tcp/4001'

/** Returns the addresses of a peer in a node's peer store; undefined if it has no record. */
async function addressesOf(node: TestNode, id: PeerId): Promise<string[] | undefined> {
  const record = (await node.peerStore.all()).find((peer) => peer.id.equals(id))
  return record?.addresses.map((address) => address.multiaddr.toString()).toSorted()
}

async function hasAddresses(node: TestNode, { peerId }: TestNode, expected: string[]): Promise<void> {
  await eventually(`${expected.join(' and ') || 'no address'} in the peer store`, async () => {
    return (await addressesOf(node, peerId))?.join() === expected.toSorted().join()
  })
}

/** Waits for identify, which stores the addresses that a peer gives itself. */
async function isIdentified(node: TestNode, { peerId }: TestNode): Promise<void> {
  await eventually('the signed record', async () => {
    return (await node.peerStore.get(peerId)).peerRecordEnvelope !== undefined
  })
}

describe('a peer that stays longer than an address is kept', () => {
  test.each(['the transport', 'the discovery module'])('can be dialed by its id: %s', async (who) => {
    await using star = await startStar()
    const isModule = who === 'the discovery module'
    await using alice = await startNode([star.multiaddr], {
      star: { discover: !isModule },
      more: {
        peerStore: { maxAddressAge: MAX_AGE },
        ...(isModule && { peerDiscovery: [webSocketStarDiscovery()] })
      }
    })
    await using bob = await startNode([star.multiaddr])
    await hasAddresses(alice, bob, [star.multiaddr])
    await sleep(1.4 * MAX_AGE)
    await hasAddresses(alice, bob, [star.multiaddr])
    const connection = await alice.dial(bob.peerId)
    expect(connection.status).toBe('open')
    // From here on the record is also written by others.
    await isIdentified(alice, bob)
    await sleep(1.4 * MAX_AGE)
    await connection.close()
    await hasAddresses(alice, bob, [star.multiaddr])
    expect((await alice.dial(bob.peerId)).status).toBe('open')
  })

  test('keeps what else is known, of which an address that nobody renews goes', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr], { more: { peerStore: { maxAddressAge: MAX_AGE } } })
    await using bob = await startNode([star.multiaddr])
    await hasAddresses(alice, bob, [star.multiaddr])
    const known = { tags: { friend: { value: 7 } }, metadata: { name: Uint8Array.of(1, 2) } }
    await alice.peerStore.merge(bob.peerId, { ...known, multiaddrs: [multiaddr(ELSEWHERE)] })
    await hasAddresses(alice, bob, [ELSEWHERE, star.multiaddr])
    await sleep(1.4 * MAX_AGE)
    await hasAddresses(alice, bob, [star.multiaddr])
    const { tags, metadata } = await alice.peerStore.get(bob.peerId)
    expect([tags.get('friend')?.value, metadata.get('name')]).toEqual([7, known.metadata.name])
  })

  test('is not written often, and is no news', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr], { more: { peerStore: { maxAddressAge: MAX_AGE } } })
    const clients = await Promise.all(Array.from({ length: 60 }, () => createStarClient({ servers: [star.url] })))
    try {
      await Promise.all(clients.map((client) => client.join()))
      await eventually('all of them', async () => (await alice.peerStore.all()).length === clients.length)
      const save = vi.spyOn(alice.peerStore, 'save')
      const updates: unknown[] = []
      alice.addEventListener('peer:update', ({ detail }) => updates.push(detail))
      const begin = performance.now()
      await eventually('each to be renewed twice', () => save.mock.calls.length >= 2 * clients.length)
      const quarters = Math.ceil((performance.now() - begin) / (MAX_AGE / 4))
      expect(save.mock.calls.length).toBeLessThanOrEqual(clients.length * (quarters + 1))
      expect(updates).toEqual([])
    } finally {
      await Promise.all(clients.map((client) => client.close()))
    }
  })
})

describe('after a peer has left', () => {
  test('an address goes that identify has put in under another name of the star', async () => {
    await using star = await startStar()
    const name = star.multiaddr.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
    await using alice = await startNode([star.multiaddr])
    const bob = await startNode([name])
    await hasAddresses(alice, bob, [star.multiaddr])
    await alice.dial(bob.peerId)
    await isIdentified(alice, bob)
    await hasAddresses(alice, bob, [name, star.multiaddr])
    await bob.stop()
    await hasAddresses(alice, bob, [])
  })

  test('an address on another star stays', async () => {
    await using star = await startStar()
    await using other = await startStar()
    await using alice = await startNode([star.multiaddr])
    const bob = await startNode([star.multiaddr, other.multiaddr])
    await hasAddresses(alice, bob, [star.multiaddr])
    await alice.dial(bob.peerId)
    await isIdentified(alice, bob)
    await hasAddresses(alice, bob, [star.multiaddr, other.multiaddr])
    await bob.stop()
    await hasAddresses(alice, bob, [other.multiaddr])
  })

  test('nothing is left of those whom only the star knew, which is told', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    const told: string[] = []
    alice.addEventListener('peer:update', ({ detail: { peer } }) => {
      if (peer.addresses.length === 0) told.push(peer.id.toString())
    })
    const clients = await Promise.all(Array.from({ length: 20 }, () => createStarClient({ servers: [star.url] })))
    await Promise.all(clients.map((client) => client.join()))
    await eventually('all of them', async () => (await alice.peerStore.all()).length === clients.length)
    const friend = peerIdFromString(String(clients[0]?.peerId))
    await alice.peerStore.merge(friend, { tags: { friend: { value: 1 } } })
    await Promise.all(clients.map((client) => client.close()))
    await eventually('one record', async () => (await alice.peerStore.all()).length === 1)
    expect(await addressesOf(alice, friend)).toEqual([])
    expect(told.toSorted()).toEqual(clients.map((client) => client.peerId).toSorted())
  })
})

test('a node that stops leaves no records of those whom only the star knew', async () => {
  await using star = await startStar()
  const alice = await startNode([star.multiaddr])
  await using bob = await startNode([star.multiaddr])
  await hasAddresses(alice, bob, [star.multiaddr])
  await alice.stop()
  expect(await alice.peerStore.all()).toEqual([])
})

test('a peer that does not give itself a star address keeps that of its star', async () => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  const addresses = { listen: [star.multiaddr], announce: [ELSEWHERE] }
  await using bob = await startNode([], { more: { addresses } })
  await hasAddresses(alice, bob, [star.multiaddr])
  const connection = await alice.dial(bob.peerId)
  await isIdentified(alice, bob)
  await hasAddresses(alice, bob, [ELSEWHERE, star.multiaddr])
  await connection.close()
  expect((await alice.dial(bob.peerId)).remoteAddr.toString()).toContain(star.multiaddr)
})
