import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { pushStreams } from '@websocket-star/client'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { echoOf, serveEcho } from '../support/libp2p-echo.js'
import { startNode, type NodeOptions, type TestNode } from '../support/libp2p-node.js'
import { startLyingStar } from '../support/lying-star.js'
import { CURRENT, PeerProcess } from '../support/peer-process.js'
import { RecordedMetrics } from '../support/recorded-metrics.js'
import { recordingLogger } from '../support/recording-logger.js'
import { startStar, type Star } from '../support/star.js'
import { failure, joinClient } from '../support/star-client.js'

const DIALER = 'libp2p_websocket_star_dialer_events_total'
const EVENTS = 'libp2p_websocket_star_listener_events_total'
const ERRORS = 'libp2p_websocket_star_listener_errors_total'
const STATUS = 'libp2p_websocket_star_listener_status_info'
const LISTENER = 'libp2p:websocket-star:listener'
const INBOUND = 'libp2p_websocket_star_inbound_connections_total'

/** Options for a node that is watched, and what is seen. */
function watched(): { options: NodeOptions; metrics: RecordedMetrics } & Pick<
  ReturnType<typeof recordingLogger>,
  'entries'
> {
  const metrics = new RecordedMetrics()
  const { logger, entries } = recordingLogger()
  return { options: { more: { metrics: () => metrics, logger } }, metrics, entries }
}

/** Fails if a metric does not come to be as it should. */
async function becomes(metrics: RecordedMetrics, name: string, values: Record<string, number>): Promise<void> {
  let now: unknown
  await eventually(`${name} to settle`, async () => {
    now = await metrics.read(name)
    return (
      JSON.stringify(Object.entries(now as object).toSorted()) === JSON.stringify(Object.entries(values).toSorted())
    )
  }).catch(() => expect(now).toEqual(values))
}

function addressOf(node: TestNode, star: Star): Multiaddr {
  return multiaddr(`${star.multiaddr}/p2p/${node.peerId.toString()}`)
}

async function nobodyAt(prefix: string): Promise<Multiaddr> {
  return multiaddr(`${prefix}/p2p/${peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()}`)
}

/** A server in the place of a star that does with connections what it is told. */
async function startFalseStar(onConnection: (socket: Socket) => void): Promise<{ prefix: string; server: Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // it listens on TCP
  return { prefix: `/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`, server }
}

describe('metrics', () => {
  test('connections are counted where they are made and where they arrive', async () => {
    await using star = await startStar()
    const host = `127.0.0.1:${star.port}`
    const [near, far] = [watched(), watched()]
    await using alice = await startNode([star.multiaddr], near.options)
    await using bob = await startNode([star.multiaddr], far.options)
    await becomes(far.metrics, STATUS, { [host]: 1 })
    const closed: string[] = []
    for (const node of [alice, bob]) node.addEventListener('connection:close', ({ detail }) => closed.push(detail.id))
    const first = await alice.dial(addressOf(bob, star))
    // The dialler is done with the handshake first.
    await eventually('the upgrade', () => bob.getConnections().length === 1)
    await becomes(near.metrics, DIALER, { connect: 1 })
    await becomes(far.metrics, EVENTS, { [`${host} connection`]: 1 })
    await becomes(far.metrics, INBOUND, { [host]: 1 })
    await first.close()
    // To libp2p it is always the other side that has closed.
    await becomes(near.metrics, DIALER, { connect: 1, end: 1, _remote_close: 1 })
    const arrived = { [`${host} connection`]: 1, [`${host} end`]: 1, [`${host} _remote_close`]: 1 }
    await becomes(far.metrics, EVENTS, arrived)
    await becomes(far.metrics, INBOUND, { [host]: 0 })
    const second = await alice.dial(addressOf(bob, star))
    await eventually('the upgrade', () => bob.getConnections().length === 1)
    second.abort(new Error('enough'))
    await becomes(near.metrics, DIALER, { connect: 2, end: 2, _remote_close: 1, abort: 1 })
    await becomes(far.metrics, EVENTS, {
      ...arrived,
      [`${host} connection`]: 2,
      [`${host} end`]: 2,
      [`${host} reset`]: 1
    })
    // Who is only dialled dials nobody, and the other way round.
    expect(await far.metrics.read(DIALER)).toEqual({})
    expect(await near.metrics.read(EVENTS)).toEqual({})
    expect(await far.metrics.read(ERRORS)).toEqual({})
    // Each end of each connection has a name of its own, and is told of once.
    expect([closed.length, new Set(closed).size]).toEqual([4, 4])
  })

  test('dials that fail and dials that are given up', async () => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    const { options, metrics } = watched()
    await using alice = await startNode([liar.multiaddr], options)
    await failure(alice.dial(await nobodyAt(liar.multiaddr)))
    expect(await metrics.read(DIALER)).toEqual({ error: 1 })
    const giveUp = new AbortController()
    liar.toStar = (message) => {
      if (!String(message).includes('"ss-dial"')) return [message]
      giveUp.abort()
      return []
    }
    await failure(alice.dial(await nobodyAt(liar.multiaddr), { signal: giveUp.signal }))
    await becomes(metrics, DIALER, { error: 1, abort: 1 })
  })

  test('whoever arrives and does not speak libp2p', async () => {
    await using star = await startStar()
    const host = `127.0.0.1:${star.port}`
    const { options, metrics, entries } = watched()
    await using bob = await startNode([star.multiaddr], options)
    const stranger = await joinClient(star)
    const connection = await stranger.dial(bob.peerId.toString())
    // A length that no protocol's name has.
    pushStreams(connection).sink.write(Uint8Array.of(0xff, 0xff, 0x03))
    await becomes(metrics, ERRORS, { [`${host} inbound_upgrade`]: 1 })
    await becomes(metrics, INBOUND, { [host]: 0 })
    expect(entries).toContainEqual({
      component: 'libp2p:websocket-star:listener',
      level: 'error',
      text: 'inbound connection %s failed to upgrade - %e',
      args: [connection.id, expect.any(Error)]
    })
  })

  test('a star that is down, comes and goes', async () => {
    await using star = await startStar()
    const host = `127.0.0.1:${star.port}`
    await star.stop()
    const { options, metrics, entries } = watched()
    await using node = await startNode([star.multiaddr], options)
    expect(node.getMultiaddrs()).toEqual([])
    expect(await metrics.read(STATUS)).toEqual({ [host]: 0 })
    expect(await metrics.read(ERRORS)).toEqual({ [`${host} listen_error`]: 1 })
    const told = (level: string) =>
      entries.filter((entry) => entry.component === LISTENER && entry.level === level).map(({ text }) => text)
    expect(told('error')).toEqual(['%a is not joined, trying again: %s'])
    await star.restart()
    await becomes(metrics, STATUS, { [host]: 1 })
    expect(told('info')).toEqual(['%s is joined'])
    await star.stop()
    await becomes(metrics, STATUS, { [host]: 0 })
    expect(told('error').slice(1)).toEqual(['%s is not joined any more: %s'])
  })
})

describe('progress', () => {
  /** What a dial tells on its way of this transport and of what comes after it. */
  async function progressOf(node: TestNode, address: Multiaddr): Promise<string[]> {
    const told: string[] = []
    await node.dial(address, { onProgress: ({ type }) => told.push(type) })
    return told.filter((type) => /^(websocket-star|upgrader:encrypt)/.test(type))
  }

  test('a dial tells how far it is', async () => {
    await using star = await startStar()
    await using bob = await startNode([star.multiaddr])
    await using alice = await startNode([star.multiaddr])
    await using carol = await startNode([])
    const open = ['websocket-star:open-connection', 'upgrader:encrypt-outbound-connection']
    expect(await progressOf(alice, addressOf(bob, star))).toEqual(open)
    expect(await progressOf(carol, addressOf(bob, star))).toEqual(['websocket-star:join', ...open])
  })
})

describe('logs', () => {
  test('what happens is told under the name of the transport', async () => {
    await using star = await startStar()
    const [near, far] = [watched(), watched()]
    await using alice = await startNode([star.multiaddr], near.options)
    await using bob = await startNode([star.multiaddr], far.options)
    const address = addressOf(bob, star)
    await serveEcho(bob)
    expect(await echoOf(alice, address, 'hello')).toBe('hello')
    const told = near.entries.filter(({ component }) => component === 'libp2p:websocket-star')
    expect(told.map(({ text, args }) => text.replace('%a', String(args[0])))).toEqual([
      `dialing ${address.toString()}`,
      `new outbound connection ${address.toString()}`,
      `outbound connection ${address.toString()} upgraded`
    ])
    expect(far.entries).toContainEqual({
      component: 'libp2p:websocket-star:listener',
      level: 'info',
      text: 'new inbound connection %a',
      args: [addressOf(alice, star)]
    })
    for (const { entries } of [near, far]) {
      const names = new Set(entries.map(({ component }) => component.split(':').slice(0, 3).join(':')))
      expect([...names]).toContain('libp2p:websocket-star:connection')
    }
  })

  test('DEBUG=libp2p:websocket-star* shows them, and nothing else', async () => {
    await using star = await startStar()
    const env = { DEBUG: 'libp2p:websocket-star*' }
    await using bob = new PeerProcess(CURRENT, [star.multiaddr], env)
    const { peerId } = await bob.next('who it is')
    await using alice = new PeerProcess(CURRENT, [star.multiaddr, String(peerId)], env)
    await alice.next('what came back')
    expect([await alice.leave(), await bob.leave()]).toEqual([0, 0])
    const [near, far] = [alice.stderr, bob.stderr].map(({ items }) => items.map((line) => line.replace(/^\S+ /, '')))
    const address = `${star.multiaddr}/p2p/${String(peerId)}`
    expect(near).toContain(`libp2p:websocket-star dialing ${address}`)
    expect(near).toContain(`libp2p:websocket-star outbound connection ${address} upgraded`)
    const arrival = `libp2p:websocket-star:listener new inbound connection ${star.multiaddr}/p2p/`
    expect(far?.filter((line) => line.startsWith(arrival))).toHaveLength(1)
    expect([...(near ?? []), ...(far ?? [])].filter((line) => !line.startsWith('libp2p:websocket-star'))).toEqual([])
  })
})

describe('failures have names', () => {
  test('a peer that is not there', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    const address = await nobodyAt(star.multiaddr)
    expect(await failure(alice.dial(address))).toMatchObject({
      name: 'ConnectionFailedError',
      message: `Could not dial ${address.toString()}: the peer is not connected to the star`,
      cause: { name: 'PeerNotFoundError', code: 'ERR_PEER_NOT_FOUND' }
    })
  })

  test('a peer that takes nobody', async () => {
    await using star = await startStar()
    await using alice = await startNode([star.multiaddr])
    const hermit = await joinClient(star)
    const error = await failure(alice.dial(multiaddr(`${star.multiaddr}/p2p/${hermit.peerId}`)))
    expect(error).toMatchObject({
      name: 'ConnectionFailedError',
      message: expect.stringMatching(/: refused by the peer or the star: Not accepting connections$/),
      cause: { code: 'ERR_DIAL_REFUSED' }
    })
  })

  test('a dial that is given up: before it begins, and on its way', async () => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using alice = await startNode([liar.multiaddr])
    const address = await nobodyAt(liar.multiaddr)
    expect(await failure(alice.dial(address, { signal: AbortSignal.abort() }))).toMatchObject({ name: 'AbortError' })
    const giveUp = new AbortController()
    liar.toStar = (message) => {
      if (!String(message).includes('"ss-dial"')) return [message]
      giveUp.abort()
      return []
    }
    expect(await failure(alice.dial(address, { signal: giveUp.signal }))).toMatchObject({ name: 'AbortError' })
    expect(giveUp.signal.aborted).toBe(true)
  })

  test('an address that is none of a star', async () => {
    await using node = await startNode([])
    const error = await failure(node.dial(multiaddr('/ip4/127.0.0.1/tcp/9/ws')))
    expect(error).toMatchObject({ name: 'NoValidAddressesError' })
    // A star, and nobody on it.
    const star = await failure(node.dial(multiaddr('/ip4/127.0.0.1/tcp/9/ws/p2p-websocket-star')))
    expect(star).toMatchObject({ name: 'NoValidAddressesError' })
    const listening = await failure(startNode(['/ip4/127.0.0.1/tcp/0/ws']))
    expect(listening).toMatchObject({ name: 'UnsupportedListenAddressesError' })
  })

  test('a star that is down', async () => {
    const { prefix, server } = await startFalseStar(() => {})
    await new Promise((resolve) => server.close(resolve))
    await using node = await startNode([])
    expect(await failure(node.dial(await nobodyAt(prefix)))).toMatchObject({
      name: 'ConnectionFailedError',
      cause: { name: 'ServerUnreachableError', code: 'ERR_SERVER_UNREACHABLE' }
    })
  })
})

describe('a star that only a dial needs', () => {
  test('is given up if it cannot be joined', async () => {
    let visits = 0
    const dead = await startFalseStar((socket) => {
      visits++
      socket.destroy()
    })
    await using node = await startNode([])
    expect(await failure(node.dial(await nobodyAt(dead.prefix)))).toMatchObject({ name: 'ConnectionFailedError' })
    // One that is listened on is tried again and again.
    let wanted = 0
    const other = await startFalseStar((socket) => {
      wanted++
      socket.destroy()
    })
    await using listening = await startNode([other.prefix])
    await eventually('five attempts', () => wanted >= 5)
    expect(listening.getMultiaddrs()).toEqual([])
    expect(visits).toBe(1)
  })

  test('is given up with the dial', async () => {
    const giveUp = new AbortController()
    let sockets = 0
    const silent = await startFalseStar((socket) => {
      sockets++
      socket.on('data', () => giveUp.abort())
      socket.on('close', () => sockets--)
    })
    await using node = await startNode([])
    const error = await failure(node.dial(await nobodyAt(silent.prefix), { signal: giveUp.signal }))
    expect(error).toMatchObject({ name: 'AbortError' })
    await eventually('the end of the connection', () => sockets === 0)
  })

  test('is not given up while another dial waits for it', async () => {
    await using star = await startStar()
    await using bob = await startNode([star.multiaddr])
    let open: (() => void) | undefined
    const slow = await startFalseStar((near) => {
      open = () => near.pipe(connect(star.port, '127.0.0.1')).pipe(near)
    })
    await using node = await startNode([])
    const giveUp = new AbortController()
    const impatient = failure(node.dial(await nobodyAt(slow.prefix), { signal: giveUp.signal }))
    const patient = node.dial(multiaddr(`${slow.prefix}/p2p/${bob.peerId.toString()}`))
    await eventually('a connection', () => open !== undefined)
    giveUp.abort()
    expect(await impatient).toMatchObject({ name: 'AbortError' })
    open?.()
    const { remotePeer } = await within('the other dial', patient)
    expect(remotePeer.toString()).toBe(bob.peerId.toString())
  })
})
