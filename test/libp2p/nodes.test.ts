import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { webSocketStarDiscovery } from '@websocket-star/libp2p'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { ECHO, roundTrip, serveEcho } from '../support/libp2p-echo.js'
import { startNode, type TestNode } from '../support/libp2p-node.js'
import { recordingLogger } from '../support/recording-logger.js'
import { startStar } from '../support/star.js'
import { failure } from '../support/star-client.js'

const MB = 1_000_000

/** Waits until a node's peer store knows where another is. */
async function knows(node: TestNode, other: TestNode): Promise<void> {
  await eventually('the other in the peer store', async () => {
    const { addresses } = await node.peerStore.get(other.peerId)
    return addresses.length > 0
  })
}

/** A peer comes and leaves: of its addresses, those of the star go. */
async function losesStarAddressesOnly(node: TestNode, star: string): Promise<void> {
  const leaver = await startNode([star])
  const other = multiaddr('/ip4/203.0.113.1/tcp/4001')
  await knows(node, leaver)
  await node.peerStore.merge(leaver.peerId, { multiaddrs: [other] })
  await leaver.stop()
  await eventually('the loss', async () => {
    const { addresses } = await node.peerStore.get(leaver.peerId)
    return addresses.map(({ multiaddr }) => multiaddr.toString()).join() === other.toString()
  })
}

describe('two nodes', () => {
  test('dial by address and by peer id, with nothing else to configure', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    await using bob = await startNode([star.multiaddr])
    expect(bob.getMultiaddrs().map(String)).toEqual([`${star.multiaddr}/p2p/${bob.peerId.toString()}`])
    const connection = await alice.dial(multiaddr(`${star.multiaddr}/p2p/${bob.peerId.toString()}`))
    expect(connection.remotePeer.equals(bob.peerId)).toBe(true)
    expect(connection.limits).toBeUndefined()
    await connection.close()
    await knows(alice, bob)
    expect(await alice.services.ping.ping(bob.peerId)).toBeGreaterThanOrEqual(0)
  })

  test('are announced to each other', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    const found = new Promise<string>((resolve) => {
      alice.addEventListener('peer:discovery', ({ detail }) => resolve(detail.id.toString()))
    })
    await using bob = await startNode([star.multiaddr])
    expect(await within('a discovery', found)).toBe(bob.peerId.toString())
  })

  test('exchange 100 MB each way', async () => {
    await using star = await startStar()
    // Should this take more than ten seconds, libp2p asks whether the other is there, behind all that is under way.
    const patient = { more: { connectionMonitor: { enabled: false } } }
    await using alice = await startNode([star.multiaddr], patient)
    await using bob = await startNode([star.multiaddr], patient)
    await serveEcho(bob)
    const address = multiaddr(`${star.multiaddr}/p2p/${bob.peerId.toString()}`)
    const stream = await alice.dialProtocol(address, ECHO)
    expect(await roundTrip(stream, 100 * MB)).toBe(100 * MB)
    expect(star.server.stats()).toMatchObject({ reset: {}, pausedSenders: 0 })
  })

  test('have 200 streams at once', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    await using bob = await startNode([star.multiaddr])
    await serveEcho(bob, { maxInboundStreams: 1000 })
    const connection = await alice.dial(multiaddr(`${star.multiaddr}/p2p/${bob.peerId.toString()}`))
    // Until the other side has finished its upgrade, yamux takes ten streams.
    await alice.services.ping.ping(bob.peerId)
    const trips = Array.from({ length: 200 }, async () => {
      return await roundTrip(await connection.newStream(ECHO, { maxOutboundStreams: 1000 }), 20_000)
    })
    expect(await Promise.all(trips)).toEqual(trips.map(() => 20_000))
  })

  test.each(['Ed25519', 'secp256k1', 'RSA'] as const)('have %s keys', async (type) => {
    await using star = await startStar()
    const make = () => (type === 'RSA' ? generateKeyPair(type, 2048) : generateKeyPair(type))
    await using alice = await startNode([star.multiaddr], { privateKey: await make() })
    await using bob = await startNode([star.multiaddr], { privateKey: await make() })
    await serveEcho(bob)
    await knows(alice, bob)
    expect(await roundTrip(await alice.dialProtocol(bob.peerId, ECHO), 100_000)).toBe(100_000)
  })

  test('meet over whichever of several stars is up', async () => {
    await using one = await startStar()
    await using two = await startStar()
    await using alice = await startNode([one.multiaddr, two.multiaddr])
    await using bob = await startNode([one.multiaddr, two.multiaddr])
    await eventually('two addresses', async () => (await alice.peerStore.get(bob.peerId)).addresses.length === 2)
    await one.stop()
    await eventually('one address less', async () => (await alice.peerStore.get(bob.peerId)).addresses.length === 1)
    expect(bob.getMultiaddrs().map(String)).toEqual([`${two.multiaddr}/p2p/${bob.peerId.toString()}`])
    expect(await alice.services.ping.ping(bob.peerId)).toBeGreaterThanOrEqual(0)
  })
})

describe('a star that restarts', () => {
  test('connections end, nodes rejoin, tell so, and dial again', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    await using bob = await startNode([star.multiaddr])
    await serveEcho(bob)
    const stream = await alice.dialProtocol(multiaddr(`${star.multiaddr}/p2p/${bob.peerId.toString()}`), ECHO)
    const closed = new Promise((resolve) => stream.addEventListener('close', resolve, { once: true }))
    const updates: number[] = []
    bob.addEventListener('self:peer:update', ({ detail }) => updates.push(detail.peer.addresses.length))
    // libp2p gathers changes for a second before it tells of them.
    await eventually('word of the address', () => updates.at(-1) === 1)
    await star.stop()
    await within('the end of the stream', closed)
    await eventually('no address', () => bob.getMultiaddrs().length === 0)
    await eventually('word of that', () => updates.at(-1) === 0)
    await star.restart()
    await eventually('the address again', () => bob.getMultiaddrs().length === 1)
    await eventually('word of that', () => updates.at(-1) === 1)
    await knows(alice, bob)
    expect(await roundTrip(await alice.dialProtocol(bob.peerId, ECHO), MB)).toBe(MB)
  })

  test('one that is down when a node starts is joined when it is up', async () => {
    await using star = await startStar()
    await star.stop()
    await using node = await startNode([star.multiaddr])
    expect(node.getMultiaddrs()).toEqual([])
    await star.restart()
    await eventually('the address', () => node.getMultiaddrs().length === 1)
  })

  test('a strict node does not start without it', async () => {
    await using star = await startStar()
    await star.stop()
    await expect(startNode([star.multiaddr], { star: { strict: true } })).rejects.toThrow('failed to be listened on')
  })
})

test.each(['dialler', 'callee'])('what a %s has sent before it stops arrives', async (who) => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  await using bob = await startNode([star.multiaddr])
  const [sender, receiver] = who === 'dialler' ? [alice, bob] : [bob, alice]
  const received = new Promise<number>((resolve) => {
    void receiver.handle(ECHO, async (stream) => {
      let bytes = 0
      for await (const chunk of stream) bytes += chunk.byteLength
      resolve(bytes)
    })
  })
  await alice.dial(multiaddr(`${star.multiaddr}/p2p/${bob.peerId.toString()}`))
  await alice.services.ping.ping(bob.peerId)
  const ended = new Promise<Error | undefined>((resolve) => {
    receiver.getConnections()[0]?.addEventListener('close', ({ error }) => resolve(error), { once: true })
  })
  const stream = await sender.dialProtocol(receiver.peerId, ECHO)
  for (let count = 0; count < 10; count++) if (!stream.send(new Uint8Array(20_000))) await stream.onDrain()
  await stream.close()
  await sender.stop()
  expect(await within('all of it', received)).toBe(200_000)
  expect(await within('the end of the connection', ended)).toBeUndefined()
  expect(sender.getConnections()).toHaveLength(0)
})

test('a peer that leaves loses its star addresses, and no others', async () => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  await losesStarAddressesOnly(alice, star.multiaddr)
})

test('whoever is dialled by the wrong peer id is not taken for it', async () => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  const nobody = peerIdFromString('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')
  await expect(alice.dial(multiaddr(`${star.multiaddr}/p2p/${nobody.toString()}`))).rejects.toThrow('Could not dial')
})

test('who dials a node that listens nowhere hears that it takes nobody', async () => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  await using shy = await startNode([])
  await shy.dial(multiaddr(`${star.multiaddr}/p2p/${alice.peerId.toString()}`))
  await knows(alice, shy)
  // They are connected already, the other way round.
  expect(await failure(alice.dial(shy.peerId, { force: true }))).toMatchObject({
    name: 'ConnectionFailedError',
    message: expect.stringMatching(/refused by the peer or the star: Not accepting connections$/)
  })
})

test('a node whose peer id another takes over has no address there until it has it back', async () => {
  await using star = await startStar()
  const privateKey = await generateKeyPair('Ed25519')
  const { logger, entries } = recordingLogger()
  await using first = await startNode([star.multiaddr], { privateKey, more: { logger } })
  expect(first.getMultiaddrs()).toHaveLength(1)
  const second = await startNode([star.multiaddr], { privateKey })
  await eventually('the loss', () => first.getMultiaddrs().length === 0)
  expect(second.getMultiaddrs()).toHaveLength(1)
  const told = entries.filter(({ level, text }) => level === 'error' && text === '%s is not joined any more: %s')
  expect(told.map(({ args }) => args)).toEqual([
    [star.multiaddr, 'Another node with the same key is joined instead of this one']
  ])
  await second.stop()
  await eventually('its return', () => first.getMultiaddrs().length === 1)
})

test('a node that listens twice on one server has both addresses, and loses both to another', async () => {
  await using star = await startStar()
  const privateKey = await generateKeyPair('Ed25519')
  const names = [star.multiaddr, star.multiaddr.replace('/ip4/127.0.0.1/', '/dns4/localhost/')]
  await using first = await startNode(names, { privateKey, star: { strict: true } })
  expect(first.getMultiaddrs()).toHaveLength(2)
  await using bob = await startNode([star.multiaddr])
  await serveEcho(first)
  for (const name of names) {
    const connection = await bob.dial(multiaddr(`${name}/p2p/${first.peerId.toString()}`), { force: true })
    expect(connection.remotePeer.equals(first.peerId)).toBe(true)
  }
  await using second = await startNode([star.multiaddr], { privateKey })
  await eventually('the loss', () => first.getMultiaddrs().length === 0)
  expect(second.getMultiaddrs()).toHaveLength(1)
})

test('who aborts a connection resets its streams, too', async () => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  await using bob = await startNode([star.multiaddr])
  let begin: () => void = () => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const ended = new Promise<unknown>((resolve) => {
    void bob.handle(ECHO, async (stream) => {
      try {
        for await (const _ of stream) begin()
        resolve('a clean end')
      } catch (error) {
        resolve(error)
      }
    })
  })
  const connection = await alice.dial(multiaddr(`${star.multiaddr}/p2p/${bob.peerId.toString()}`))
  const stream = await connection.newStream(ECHO)
  stream.send(new Uint8Array(1000))
  await within('the first bytes', begun)
  // What was sent in the same turn makes what follows wait for the end of it.
  stream.send(new Uint8Array(1000))
  connection.abort(new Error('enough'))
  expect(await within('the end', ended)).toMatchObject({ name: 'StreamResetError' })
})

test('a node that has as many connections as it may lets one of the peer with the most go, and knows that', async () => {
  await using star = await startStar()
  await using host = await startNode([star.multiaddr], { star: { maxConnections: 2 } })
  await using greedy = await startNode([star.multiaddr])
  await using modest = await startNode([star.multiaddr])
  const address = multiaddr(`${star.multiaddr}/p2p/${host.peerId.toString()}`)
  const [first, second] = [await greedy.dial(address), await greedy.dial(address, { force: true })]
  const atHost = (): readonly { streams: readonly unknown[] }[] => host.getConnections(greedy.peerId)
  await eventually('two unused connections', () => {
    return atHost().length === 2 && [...atHost(), first, second].every(({ streams }) => streams.length === 0)
  })
  await modest.dial(address)
  // At once: a muxer that pings would find out half a minute later.
  expect(atHost()).toHaveLength(1)
  await eventually('one less at its peer', () => greedy.getConnections(host.peerId).length === 1)
  expect([first.status, second.status].toSorted()).toEqual(['open', 'reset'])
  await greedy.services.ping.ping(address)
  expect(host.getConnections()).toHaveLength(2)
})

test('with the discovery module alone a peer that leaves loses its star addresses, and no others', async () => {
  await using star = await startStar()
  const more = { peerDiscovery: [webSocketStarDiscovery()] }
  await using alice = await startNode([star.multiaddr], { star: { discover: false }, more })
  await losesStarAddressesOnly(alice, star.multiaddr)
})

test('a star that is joined is not joined once more to dial there under another spelling', async () => {
  await using star = await startStar()
  const listening = star.multiaddr.replace('/ip4/127.0.0.1/', '/dns4/localhost/')
  await using alice = await startNode([listening])
  const stranger = await generateKeyPair('Ed25519')
  const spelling = star.multiaddr.replace('/ip4/127.0.0.1/', '/dns/Localhost/')
  await expect(alice.dial(multiaddr(`${spelling}/p2p/${stranger.publicKey.toString()}`))).rejects.toThrow(
    /Could not dial/
  )
  expect(star.server.stats()).toMatchObject({ joins: { success: 1 }, refused: { 'peer not found': 1 } })
})
