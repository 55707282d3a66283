import { randomUUID } from 'node:crypto'
import { multiaddr } from '@multiformats/multiaddr'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { joinLegacy } from '../support/legacy.js'
import { ECHO, roundTrip as roundTripOf, serveEcho } from '../support/libp2p-echo.js'
import { startNode } from '../support/libp2p-node.js'
import { joinSocket, type Major } from '../support/socket.js'
import { intact, randomChunks, roundTrip, transfer } from '../support/streams.js'
import { loadBothWays } from './load.js'
import { openTwo, SHARED_BY } from './nodes.js'
import { connectParties, joinParty } from './parties.js'

const BYTES = 4_000_000

describe.each(SHARED_BY)('servers that share a star by %s: bytes go both ways between', (sharedBy) => {
  test.each([
    ['client', 'client'],
    ['client', 'legacy'],
    ['legacy', 'client'],
    ['legacy', 'legacy']
  ] as const)('%s and %s', async (nearKind, farKind) => {
    const [here, there] = await openTwo(sharedBy)
    const { near, far } = await connectParties(await joinParty(nearKind, here), await joinParty(farKind, there))
    await Promise.all(loadBothWays(near, far, { bytes: BYTES }).map(({ done }) => done))
    for (const node of [here, there]) {
      expect(await node.counted('no streams', ({ streams }) => streams === 0)).toMatchObject({ reset: {}, dropped: {} })
    }
  })

  test('a client that polls and one that does not', async () => {
    const [here, there] = await openTwo(sharedBy)
    const polling = { transports: ['polling'] } as const
    const parties = [await joinParty('client', here, polling), await joinParty('client', there)] as const
    for (const [dialer, listener] of [parties, parties.toReversed() as [(typeof parties)[1], (typeof parties)[0]]]) {
      const { near, far } = await connectParties(dialer, listener)
      await Promise.all(loadBothWays(near, far, { bytes: BYTES / 4 }).map(({ done }) => done))
    }
  })

  test('two libp2p-websocket-star', async () => {
    const [here, there] = await openTwo(sharedBy)
    await using alice = await joinLegacy({ star: here.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: there.multiaddr, name: 'bob' })
    await alice.discovered.until('word of bob', (addresses) => addresses.some((one) => one.endsWith(bob.peerId)))
    // It dials by the server it is at.
    const [toBob, toAlice] = [`${here.multiaddr}/ipfs/${bob.peerId}`, `${there.multiaddr}/ipfs/${alice.peerId}`]
    expect(await roundTrip(randomChunks(BYTES), await alice.dial(toBob))).toEqual(intact)
    expect(await roundTrip(randomChunks(BYTES), await bob.dial(toAlice))).toEqual(intact)
  })

  test.each<[Major, Major]>([
    [2, 4],
    [4, 2],
    [3, 2]
  ])('socket.io-client %i and %i', async (near, far) => {
    const [here, there] = await openTwo(sharedBy)
    const transports = ['polling', 'websocket']
    await using dialer = await joinSocket(here, 'dialer', { major: near, transports })
    await using listener = await joinSocket(there, 'listener', { major: far, transports })
    const ends = [dialer.dial(listener.address, randomUUID()), listener.accepted.next('a dial')] as const
    const [out, back] = await Promise.all(ends)
    const chunks = randomChunks(500_000)
    expect(await Promise.all([transfer(chunks, out, back), transfer(chunks, back, out)])).toEqual([intact, intact])
  })

  test('nodes of js-libp2p, which find each other', async () => {
    const [here, there] = await openTwo(sharedBy)
    await using alice = await startNode([here.multiaddr])
    await using bob = await startNode([there.multiaddr])
    await serveEcho(bob)
    await eventually('alice knows bob', async () => {
      const { addresses } = await alice.peerStore.get(bob.peerId)
      return addresses.some(({ multiaddr }) => multiaddr.toString().startsWith(here.multiaddr))
    })
    const address = multiaddr(`${here.multiaddr}/p2p/${bob.peerId.toString()}`)
    expect(await roundTripOf(await alice.dialProtocol(address, ECHO), BYTES)).toBe(BYTES)
    expect(alice.getConnections().map(({ remoteAddr }) => remoteAddr.toString())).toEqual([address.toString()])
  })
})
