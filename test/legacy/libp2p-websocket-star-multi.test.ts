import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer, type AddressInfo } from 'node:net'
import { Inbox } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { generation, peerIdOf } from '../support/generations.js'
import { called, joinLegacy } from '../support/legacy.js'
import type {
  Connection,
  Multiaddr,
  MultiListener,
  PeerInfo,
  WebsocketStarMulti,
  WebsocketStarMultiClass
} from '../support/legacy-types.js'
import { startStar } from '../support/star.js'
import { echo, intact, randomChunks, roundTrip } from '../support/streams.js'

const require = createRequire(import.meta.url)
const Multi: WebsocketStarMultiClass = require('libp2p-websocket-star-multi')
const { multiaddr } = generation('0.10.2')

/** A node of libp2p-websocket-star-multi, on several stars at once. */
class MultiNode implements AsyncDisposable {
  readonly peerId: string
  readonly discovered = new Inbox<string>()
  readonly transport: WebsocketStarMulti
  readonly listener: MultiListener

  private constructor(peerId: string, transport: WebsocketStarMulti) {
    this.peerId = peerId
    this.transport = transport
    transport.discovery.on('peer', (peer: PeerInfo) => {
      for (const address of peer.multiaddrs.toArray()) this.discovered.push(address.toString())
    })
    this.listener = transport.createListener(echo)
    // the same error comes with the callback of `listen`
    this.listener.on('error', () => {})
  }

  static async listen(name: string, servers: string[], timeout?: number): Promise<MultiNode> {
    const id = await peerIdOf(name)
    const node = new MultiNode(id.toB58String(), new Multi({ servers, id, ...(timeout && { timeout }) }))
    await called('any of the stars', (callback) => {
      node.listener.listen(multiaddr(`/p2p-websocket-star/ipfs/${node.peerId}`), callback)
    })
    return node
  }

  dial(address: string): Promise<Connection> {
    return called(`an answer to a dial of ${address}`, (callback) => {
      this.transport.dial(multiaddr(address), {}, callback)
    })
  }

  async addresses(): Promise<string[]> {
    const addresses = await called<Multiaddr[]>('its addresses', (callback) => this.listener.getAddrs(callback))
    return addresses.map(String)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listener of Object.values(this.listener.servers)) listener.io?.disconnect()
  }
}

test('a client of two servers works with the one that is there', async () => {
  await using star = await startStar()
  const dead = await deadServer()
  await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
  await using alice = await MultiNode.listen('alice', [dead, star.multiaddr])
  const address = `${star.multiaddr}/ipfs/${alice.peerId}`

  expect(await alice.addresses()).toEqual([address])
  expect(alice.discovered.items).toEqual([bob.address])
  await bob.discovered.until('word of alice', (items) => items.includes(address))
  expect(await roundTrip(randomChunks(300_000), await alice.dial(bob.address))).toEqual(intact)
  expect(await roundTrip(randomChunks(300_000), await bob.dial(address))).toEqual(intact)
})

test('a client of two servers of which one never answers works too', async () => {
  await using star = await startStar()
  await using mute = await muteServer()
  await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })
  await using alice = await MultiNode.listen('alice', [mute.multiaddr, star.multiaddr], 3_000)

  expect(await alice.addresses()).toEqual([`${star.multiaddr}/ipfs/${alice.peerId}`])
  expect(await roundTrip(randomChunks(300_000), await alice.dial(bob.address))).toEqual(intact)
})

test('a client of two servers meets the clients of either', async () => {
  await using one = await startStar()
  await using other = await startStar()
  await using bob = await joinLegacy({ star: one.multiaddr, name: 'bob' })
  await using carol = await joinLegacy({ star: other.multiaddr, name: 'carol' })
  await using alice = await MultiNode.listen('alice', [one.multiaddr, other.multiaddr])

  expect(alice.discovered.items.toSorted()).toEqual([bob.address, carol.address].toSorted())
  for (const node of [bob, carol]) {
    expect(await roundTrip(randomChunks(100_000), await alice.dial(node.address))).toEqual(intact)
    await node.discovered.until('word of alice', (items) => items.some((item) => item.endsWith(alice.peerId)))
  }
})

/** Where nobody listens: a port that was free a moment ago. */
async function deadServer(): Promise<string> {
  await using server = await muteServer()
  return server.multiaddr
}

/** Accepts connections and says nothing. */
async function muteServer(): Promise<{ multiaddr: string } & AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    server.on('close', () => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // a listening TCP server has an address with a port
  const { port } = server.address() as AddressInfo
  return {
    multiaddr: `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`,
    async [Symbol.asyncDispose]() {
      server.close()
    }
  }
}
