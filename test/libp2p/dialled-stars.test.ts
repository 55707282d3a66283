import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { multiaddr } from '@multiformats/multiaddr'
import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { startNode, type TestNode } from '../support/libp2p-node.js'
import { recordingLogger } from '../support/recording-logger.js'
import { startStar, type Star } from '../support/star.js'

/** A server that takes connections and speaks no protocol. */
async function tcpServer(accept: (socket: Socket) => void): Promise<AsyncDisposable & { port: number }> {
  const server = createServer(accept).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  return { port, [Symbol.asyncDispose]: async () => void server.close() }
}

/** Milliseconds; far below the default, and more than a dial after the last one takes to begin. */
const SOON = { star: { idleStarTimeout: 300 } }

function addressOf(star: Star, { peerId }: TestNode) {
  return multiaddr(`${star.multiaddr}/p2p/${peerId.toString()}`)
}

async function hasPeers({ server }: Star, count: number): Promise<void> {
  await eventually(`${count} peer(s)`, () => server.stats().peers === count)
}

test('a node that dialled only leaves a star after its last connection there, and comes back to dial', async () => {
  await using star = await startStar()
  const { logger, entries } = recordingLogger()
  await using alice = await startNode([star.multiaddr])
  await using dialler = await startNode([], { ...SOON, more: { logger } })
  const first = await dialler.dial(addressOf(star, alice))
  const second = await dialler.dial(addressOf(star, alice), { force: true })
  await first.close()
  // Longer than the time after which it would leave without the second one.
  await new Promise((resolve) => setTimeout(resolve, 3 * SOON.star.idleStarTimeout))
  expect([second.status, star.server.stats().peers]).toEqual(['open', 2])
  await second.close()
  await hasPeers(star, 1)
  const told = entries.filter(({ text }) => text.startsWith('left %s'))
  expect(told.map(({ component, args }) => [component, args])).toEqual([['libp2p:websocket-star', [star.multiaddr]]])
  // By its id: a dial has told where it is, and the star can be joined again.
  const third = await dialler.dial(alice.peerId)
  expect(star.server.stats().peers).toBe(2)
  await third.close()
  await hasPeers(star, 1)
})

test('a node leaves also a star where it has found nobody to dial', async () => {
  await using star = await startStar()
  await using other = await startStar()
  await using alice = await startNode([other.multiaddr])
  await using dialler = await startNode([], SOON)
  await expect(dialler.dial(addressOf(star, alice))).rejects.toThrow('the peer is not connected to the star')
  expect(star.server.stats().joins).toMatchObject({ success: 1 })
  await hasPeers(star, 0)
})

test('two dials at once to a star that is down leave it to itself', async () => {
  let attempts = 0
  await using server = await tcpServer((socket) => {
    attempts++
    socket.destroy()
  })
  await using dialler = await startNode([], SOON)
  await using other = await startNode([])
  await using another = await startNode([])
  const dials = [other, another].map(async ({ peerId }) => {
    const star = `/ip4/127.0.0.1/tcp/${server.port}/ws/p2p-websocket-star`
    await expect(dialler.dial(multiaddr(`${star}/p2p/${peerId.toString()}`))).rejects.toThrow(/could not be reached/)
  })
  await Promise.all(dials)
  await new Promise((resolve) => setTimeout(resolve, 2 * SOON.star.idleStarTimeout))
  const before = attempts
  await new Promise((resolve) => setTimeout(resolve, 4_000))
  expect(attempts).toBe(before)
})

test('a node leaves a star whose connections end with an error', async () => {
  await using star = await startStar()
  await using alice = await startNode([star.multiaddr])
  await using dialler = await startNode([], SOON)
  const connection = await dialler.dial(addressOf(star, alice))
  connection.abort(new Error('enough'))
  await hasPeers(star, 1)
})

test('a node that listens on one star leaves another that it dialled, and stays on its own', async () => {
  await using star = await startStar()
  await using other = await startStar()
  await using alice = await startNode([star.multiaddr])
  await using bob = await startNode([other.multiaddr])
  await using listening = await startNode([star.multiaddr], SOON)
  const connections = [await listening.dial(addressOf(star, alice)), await listening.dial(addressOf(other, bob))]
  expect(other.server.stats().peers).toBe(2)
  for (const connection of connections) await connection.close()
  await hasPeers(other, 1)
  expect([star.server.stats().peers, listening.getMultiaddrs().length]).toEqual([2, 1])
})
