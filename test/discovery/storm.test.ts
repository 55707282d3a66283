import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connectRaw, type RawOptions, type RawPeer, within } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { digest, openOneWay, Pump } from '../support/raw-flow.js'
import { createIdentities, createIdentity, type Identity } from '../support/raw-identity.js'
import { canonical, DELTAS, NONE, untilKnown } from '../support/raw-peers.js'
import { openStar, type RawStar } from '../support/raw-star.js'
import { addressesOf } from './crowd.js'

const CLIENTS = 300
/** Of a WebSocket handshake: any 16 bytes. */
const KEY = Buffer.alloc(16).toString('base64')

/** The highest that a number was, at any turn of the event loop. */
class Gauge {
  highest = 0
  readonly #read: () => number
  #immediate: NodeJS.Immediate

  constructor(read: () => number) {
    this.#read = read
    this.#immediate = setImmediate(this.#look)
  }

  stop(): void {
    clearImmediate(this.#immediate)
  }

  readonly #look = (): void => {
    this.highest = Math.max(this.highest, this.#read())
    this.#immediate = setImmediate(this.#look)
  }
}

function gaugeWaiting({ server }: RawStar): Gauge {
  const gauge = new Gauge(() => server.stats().waiting)
  onTestFinished(() => gauge.stop())
  return gauge
}

/** Most want to hear of nobody, since all these clients share a process with the server. */
function optionsOf(index: number): RawOptions {
  if (index % 3 !== 0) return NONE
  return index % 2 === 0 ? { eio: '3' } : DELTAS
}

/** All connect at once, and then all join at once. */
async function joinAll(star: RawStar, identities: readonly Identity[]): Promise<RawPeer[]> {
  const peers = await Promise.all(identities.map(async (_, index) => await star.connect(optionsOf(index))))
  await Promise.all(peers.map(async (peer, index) => await peer.join(identities[index] as Identity, star.prefix)))
  return peers
}

test('when all drop and come back at once, all are joined, and what is relayed meanwhile loses nothing', async () => {
  const star = await openStar()
  const identities = await createIdentities(CLIENTS)
  const [dialer, listener] = [await star.join(NONE), await star.join(NONE)]
  const { near, far } = await openOneWay(dialer, listener, 2 ** 24)
  const before = await joinAll(star, identities)

  const gauge = gaugeWaiting(star)
  const pump = new Pump(near, 10_000, 10_000_000, 1)
  for (const peer of before) peer.wire.close()
  const peers = await joinAll(star, identities)
  const chunksMeanwhile = pump.chunks
  await pump.stop()

  expect(gauge.highest).toBeGreaterThan(0)
  const stats = await star.counted('those who are there', ({ sessions }) => sessions === CLIENTS + 2)
  expect(stats).toMatchObject({ peers: CLIENTS + 2, waiting: 0, refused: {}, joins: { failure: 0 } })
  expect(stats.joins.success).toBe(2 * CLIENTS + 2)
  expect(chunksMeanwhile).toBeGreaterThan(0)
  expect(digest(await far.received(pump.chunks))).toBe(pump.digest)
  for (const [index, peer] of peers.entries()) {
    const others = addressesOf([dialer, listener, ...peers]).filter((address) => address !== peer.address)
    if (optionsOf(index) === DELTAS) {
      await untilKnown(
        peer,
        others.map((address) => canonical(address))
      )
    }
  }
})

/** Connections that the server has taken, and that have not asked for a session yet. */
async function openSockets(star: RawStar, count: number): Promise<Socket[]> {
  const { hostname: host, port } = new URL(star.url)
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host, port: Number(port) })
      onTestFinished(() => void socket.destroy())
      socket.on('error', () => {})
      socket.write('HEAD /health HTTP/1.1\r\nHost: star\r\n\r\n')
      await once(socket, 'data')
      return socket
    })
  )
}

/** Requests to join under one prefix after the other. */
function joinRequests({ id, publicKeyHex }: Identity, count: number): string[] {
  return Array.from({ length: count }, (_, ack) => {
    return `42${ack}["ss-join","/dns4/star-${ack}.example/tcp/443/wss/p2p-websocket-star/ipfs/${id}","${publicKeyHex}"]`
  })
}

/** A request for a session. */
function handshake(transport: 'websocket' | 'polling'): string {
  const upgrade = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`
  ]
  const headers = ['Host: star', ...(transport === 'websocket' ? upgrade : [])]
  return [`GET /socket.io/?EIO=3&transport=${transport} HTTP/1.1`, ...headers, '', ''].join('\r\n')
}

/** The status of the answer and its header that says when to come back. */
async function answerOn(socket: Socket): Promise<{ status: number; retryAfter: string | undefined }> {
  const [head] = (await within('an answer', once(socket, 'data'))) as [Buffer]
  const text = head.toString('latin1')
  return { status: Number(text.slice(9, 12)), retryAfter: /^retry-after: (.*)$/im.exec(text)?.[1] }
}

test('of more connections than may wait the surplus is told to come back later', async () => {
  const star = await openStar({ limits: { waiting: 4, joinRoundsPerSecond: 1_000_000 } })
  const [sockets, peer] = [await openSockets(star, 100), await star.connect()]
  // These take so long that whoever comes right after them has to wait.
  peer.send(...joinRequests(await createIdentity(), 1_000))
  for (const [index, socket] of sockets.entries()) socket.write(handshake(index % 2 === 0 ? 'websocket' : 'polling'))
  const answers = await Promise.all(sockets.map(answerOn))
  for (const [index, status] of [101, 200].entries()) {
    const refused = answers.filter((answer, other) => other % 2 === index && answer.status !== status)
    expect(refused.length).toBeGreaterThan(0)
    expect(refused).toEqual(refused.map(() => ({ status: 503, retryAfter: '10' })))
  }
  const served = answers.filter(({ status }) => status !== 503).length
  const answered = 'all requests are answered'
  await peer.until(answered, () => (peer.unread.length >= 1_000 ? true : undefined))
  const { sessions, refused, waiting } = star.server.stats()
  expect({ sessions, waiting }).toEqual({ sessions: 1 + served, waiting: 0 })
  expect(refused.busy).toBeGreaterThanOrEqual(sockets.length - served)
  await star.join()
})

test('of more joins than may wait the surplus is refused, and the others are answered in order', async () => {
  const limits = { waiting: 4, joinRoundsPerSecond: 1_000_000, addressesPerSession: 1_000_000 }
  const star = await openStar({ limits })
  const peer = await star.connect()
  const requests = joinRequests(await createIdentity(), 3_000)
  peer.send(...requests)
  const answers = new Map<number, unknown[]>()
  await peer.until('all answers', () => {
    for (const packet of peer.unread.splice(0)) {
      const [, ack, answer] = /^43(\d+)(\[.*\])$/.exec(String(packet)) ?? []
      if (ack !== undefined && answer !== undefined) answers.set(Number(ack), JSON.parse(answer) as unknown[])
    }
    return answers.size === requests.length ? true : undefined
  })
  const isBusy = (ack: number): boolean => answers.get(ack)?.[0] === 'Too many requests'
  const [busy, taken] = [[...answers.keys()].filter(isBusy), [...answers.keys()].filter((ack) => !isBusy(ack))]
  expect(busy.length).toBeGreaterThan(0)
  expect(star.server.stats()).toMatchObject({ refused: { busy: busy.length }, waiting: 0 })
  expect(taken.map((ack) => answers.get(ack))).toEqual(taken.map(() => [null, expect.any(String)]))
  expect(taken).toEqual(taken.toSorted((a, b) => a - b))
  await star.join()
})

test('a client that sends join, leave and join again at once is joined, however many do', async () => {
  const star = await openStar({ cryptoChallenge: false })
  const identities = await createIdentities(CLIENTS)
  const peers = await Promise.all(identities.map(async () => await star.connect(NONE)))
  const gauge = gaugeWaiting(star)
  for (const [index, peer] of peers.entries()) {
    const address = `${star.prefix}/ipfs/${identities[index]?.id}`
    peer.send(`421["ss-join","${address}",""]`, `422["ss-leave","${address}"]`, `423["ss-join","${address}",""]`)
  }
  for (const peer of peers) {
    for (const answer of ['431[null,null,[]]', '432[null]', '433[null,null,[]]']) {
      expect(await peer.takeText(/^43/)).toBe(answer)
    }
  }
  expect(gauge.highest).toBeGreaterThan(0)
  expect(star.server.stats()).toMatchObject({ peers: CLIENTS, waiting: 0 })
})

test('a server that is stopped while clients wait for their turn ends all of it, and may be started again', async () => {
  const star = await openStar({ limits: { joinRoundsPerSecond: 1_000_000 } })
  const peers = await Promise.all(Array.from({ length: 20 }, async () => await star.connect()))
  const [sockets, identities] = [await openSockets(star, CLIENTS), await createIdentities(peers.length)]
  for (const [index, peer] of peers.entries()) peer.send(...joinRequests(identities[index] as Identity, 100))
  for (const [index, socket] of sockets.entries()) socket.write(handshake(index % 2 === 0 ? 'websocket' : 'polling'))
  const ends = sockets.map(async (socket) => {
    await new Promise<void>((resolve) => socket.resume().once('close', () => resolve()))
  })
  while (star.server.stats().waiting === 0) await new Promise((resolve) => setImmediate(resolve))
  await within('the end of the server', star.server.stop())
  await within(
    'the ends of all connections',
    Promise.all([...ends, ...peers.map(async ({ wire }) => await wire.closed)])
  )
  expect(star.server.stats()).toMatchObject({ sessions: 0, peers: 0, waiting: 0 })

  await star.server.start()
  const { url, multiaddr } = star.server.address()
  const peer = await connectRaw(url)
  await peer.join(await createIdentity(), multiaddr)
  expect(star.server.stats()).toMatchObject({ sessions: 1, peers: 1, waiting: 0 })
  peer.wire.close()
})
