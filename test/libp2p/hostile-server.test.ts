import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { eventually, within } from '@websocket-star/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ECHO, echoOf, roundTrip, serveEcho } from '../support/libp2p-echo.js'
import { startNode, type TestNode } from '../support/libp2p-node.js'
import { aboutChunks, aboutEvent, startLyingStar, type LyingStar } from '../support/lying-star.js'
import { recordingLogger, type LogEntry } from '../support/recording-logger.js'
import { startStar, type Star } from '../support/star.js'
import { failure } from '../support/star-client.js'

const TRUTH: LyingStar['toClients'] = (message) => [message]
/** An id of an RSA key is its hash: unlike the others it does not tell the key. */
const TYPES = ['Ed25519', 'secp256k1', 'RSA'] as const

async function keyOf(type: (typeof TYPES)[number]): Promise<PrivateKey> {
  return type === 'RSA' ? await generateKeyPair(type, 2048) : await generateKeyPair(type)
}

async function somebody(type: (typeof TYPES)[number] = 'Ed25519'): Promise<PeerId> {
  return peerIdFromPrivateKey(await keyOf(type))
}

function addressOf(node: { peerId: PeerId }, { multiaddr: prefix }: Star | LyingStar): Multiaddr {
  return multiaddr(`${prefix}/p2p/${node.peerId.toString()}`)
}

/** Whom a node was connected to, as it knows them. */
function connectionsOf(node: TestNode): { peers: string[]; addresses: string[] } {
  const peers: string[] = []
  const addresses: string[] = []
  node.addEventListener('connection:open', ({ detail }) => {
    peers.push(detail.remotePeer.toString())
    addresses.push(detail.remoteAddr.toString())
  })
  return { peers, addresses }
}

/** Errors that were logged for connections that came in. */
function refusals(entries: readonly LogEntry[]): Error[] {
  const errors = entries.filter(({ component, level }) => level === 'error' && component.endsWith(':listener'))
  return errors.flatMap(({ args }) => args.filter((arg) => arg instanceof Error))
}

/** Nothing is left of what failed, at either end or at the star. */
async function nothingOpen(star: Star, ...nodes: TestNode[]): Promise<void> {
  await eventually('all connections to end', () => nodes.every((node) => node.getConnections().length === 0))
  await eventually('all streams to end', () => star.server.stats().streams === 0)
}

/** Says to those who hear the liar that somebody else dials than does. */
function pose(liar: LyingStar, from: string): void {
  liar.toClients = aboutEvent('ss-incomming', ([id = '']) => [id, from])
}

describe('a server that names another peer than the one that dials', () => {
  test.each(['Ed25519', 'secp256k1'] as const)('the callee refuses: %s', async (type) => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    const { logger, entries } = recordingLogger()
    await using bob = await startNode([liar.multiaddr], { more: { logger } })
    await using mallory = await startNode([star.multiaddr])
    await serveEcho(bob)
    const seen = connectionsOf(bob)
    const posed = await somebody(type)
    pose(liar, `${liar.multiaddr}/p2p/${posed.toString()}`)
    // She has said her last word of the handshake before she is refused.
    await mallory.dial(addressOf(bob, star)).catch(() => {})
    await eventually('the refusal', () => refusals(entries).length > 0)
    const reason = `does not match expected remote identity key ${posed.toString()}`
    expect(refusals(entries)).toMatchObject([
      { name: 'EncryptionFailedError', message: expect.stringContaining(reason) }
    ])
    expect(seen.peers).toEqual([])
    await nothingOpen(star, bob, mallory)
    liar.toClients = TRUTH
    expect(await echoOf(mallory, addressOf(bob, star), 'as myself')).toBe('as myself')
    expect(seen.peers).toEqual([mallory.peerId.toString()])
  })

  test.each([
    ['of an RSA key', async (liar: LyingStar) => `${liar.multiaddr}/p2p/${(await somebody('RSA')).toString()}`],
    ['of an RSA key alone', async () => `/p2p/${(await somebody('RSA')).toString()}`],
    ['of an RSA key twice', async () => `/p2p/${(await somebody('RSA')).toString()}`.repeat(2)],
    ['of no key', async (liar: LyingStar) => `${liar.multiaddr}/p2p/Qm`],
    ['that is none', async (liar: LyingStar) => liar.multiaddr],
    ['of something else', async () => '/ip4/203.0.113.7/udp/4001']
  ])('a name %s is not believed, and the peer is who it proves to be', async (_name, nameOf) => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using bob = await startNode([liar.multiaddr])
    await using mallory = await startNode([star.multiaddr])
    await serveEcho(bob)
    const seen = connectionsOf(bob)
    const name = await nameOf(liar)
    pose(liar, name)
    expect(await echoOf(mallory, addressOf(bob, star), 'hello')).toBe('hello')
    expect(seen.peers).toEqual([mallory.peerId.toString()])
    expect(seen.addresses.map((address) => address.split('/p2p/').slice(1))).toEqual([[mallory.peerId.toString()]])
  })

  test.each(['', 'nobody', '/p2p/nobody'])('a dial from %j is answered with an error', async (name) => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using bob = await startNode([liar.multiaddr])
    await using mallory = await startNode([star.multiaddr])
    await serveEcho(bob)
    pose(liar, name)
    const error = await failure(mallory.dial(addressOf(bob, star)))
    expect(error).toMatchObject({ name: 'ConnectionFailedError', cause: { code: 'ERR_DIAL_REFUSED' } })
    await nothingOpen(star, bob, mallory)
    liar.toClients = TRUTH
    expect(await echoOf(mallory, addressOf(bob, star), 'as myself')).toBe('as myself')
  })
})

describe('a server that connects to another peer than the one that is dialled', () => {
  test.each(TYPES)('the dialler refuses: %s', async (type) => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using alice = await startNode([liar.multiaddr])
    await using bob = await startNode([star.multiaddr], { privateKey: await keyOf(type) })
    await using mallory = await startNode([star.multiaddr])
    await serveEcho(bob)
    let echoes = 0
    await mallory.handle(ECHO, () => void echoes++)
    const seen = connectionsOf(alice)
    liar.toStar = aboutEvent('ss-dial', ([from = '', ...rest]) => {
      return [from, addressOf(mallory, liar).toString(), rest.at(-1) ?? '']
    })
    const error = await failure(echoOf(alice, addressOf(bob, liar), 'for Bob only'))
    // libp2p puts its own name on what the encrypter says, which cannot tell by the id of an RSA key.
    expect(error).toMatchObject(
      type === 'RSA'
        ? { name: 'UnexpectedPeerError', message: expect.stringContaining(`${mallory.peerId.toString()} answered`) }
        : { name: 'EncryptionFailedError', message: expect.stringContaining('does not match expected') }
    )
    await nothingOpen(star, alice, bob, mallory)
    expect(seen.peers).not.toContain(bob.peerId.toString())
    expect(echoes).toBe(0)
    liar.toStar = TRUTH
    expect(await echoOf(alice, addressOf(bob, liar), 'for Bob only')).toBe('for Bob only')
  })
})

describe('a server that announces what is not', () => {
  test('a peer that is not there cannot be dialled, and those that are can', async () => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using alice = await startNode([liar.multiaddr])
    await using bob = await startNode([star.multiaddr])
    await serveEcho(bob)
    const nobody = await somebody()
    const found = new Promise<void>((resolve) => {
      alice.addEventListener('peer:discovery', ({ detail }) => {
        if (detail.id.equals(nobody)) resolve()
      })
    })
    liar.emit('ss-peers', { joined: [`${liar.multiaddr}/p2p/${nobody.toString()}`], left: [] })
    await within('word of nobody', found)
    const error = await failure(alice.dial(nobody))
    expect(error).toMatchObject({ name: 'ConnectionFailedError', cause: { code: 'ERR_PEER_NOT_FOUND' } })
    expect(await echoOf(alice, addressOf(bob, liar), 'hello')).toBe('hello')
  })

  test('a peer somewhere else is not looked for there', async () => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using alice = await startNode([liar.multiaddr])
    let visits = 0
    const elsewhere = createServer((socket) => {
      visits++
      socket.destroy()
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void elsewhere.close())
    await once(elsewhere, 'listening')
    const { port } = elsewhere.address() as AddressInfo // it listens on TCP
    const nobody = await somebody()
    liar.emit('ss-peers', {
      joined: [`/ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star/p2p/${nobody.toString()}`],
      left: []
    })
    await eventually('word of nobody', async () => (await alice.peerStore.get(nobody)).addresses.length > 0)
    expect(await failure(alice.dial(nobody))).toMatchObject({ name: 'ConnectionFailedError' })
    expect(visits).toBe(0)
  })

  test('what cannot be a peer is ignored', async () => {
    await using star = await startStar()
    await using liar = await startLyingStar(star)
    await using alice = await startNode([liar.multiaddr])
    await using bob = await startNode([star.multiaddr])
    await serveEcho(bob)
    const somewhere = `${liar.multiaddr}/p2p/`
    const ids = ['', 'Qm', '12D3KooW', '1'.repeat(600), alice.peerId.toString(), '1', 'z6Mk', '1'.repeat(32)]
    const garbage: unknown[] = [null, 7, {}, [], '', '/', 'x', '\u0000', '/ip4/1.2.3.4', liar.multiaddr]
    garbage.push(...ids.map((id) => somewhere + id), `${somewhere}${bob.peerId.toString()}/p2p-circuit`)
    for (const one of garbage) {
      liar.emit('ws-peer', one)
      liar.emit('ss-peers', { joined: [one], left: [one] })
    }
    for (const one of garbage) liar.emit('ss-peers', one)
    liar.emit('ss-peers', { joined: garbage, left: [] })
    const last = await somebody()
    liar.emit('ws-peer', `${somewhere}${last.toString()}`)
    await eventually('word of the last one', async () => (await alice.peerStore.get(last)).addresses.length > 0)
    const known = (await alice.peerStore.all()).filter(({ addresses }) => addresses.length > 0)
    const expected = [alice.peerId, bob.peerId, last].map(String)
    expect(expected).toEqual(expect.arrayContaining(known.map(({ id }) => id.toString())))
    expect(await echoOf(alice, addressOf(bob, liar), 'hello')).toBe('hello')
  })
})

describe('a server that changes what peers send', () => {
  /** What becomes of the first two chunks. */
  const changes: [name: string, change: (first: Buffer, second: Buffer) => readonly Buffer[]][] = [
    // The first may be but the length of the second.
    ['altered', (first, second) => [first, Buffer.from(second.map((byte, at) => (at === 5 ? byte ^ 1 : byte)))]],
    ['dropped', (_, second) => [second]],
    ['shortened', (first, second) => [first.subarray(0, -1), second]],
    ['repeated', (first, second) => [first, first, second]],
    ['overtaken', (first, second) => [second, first]],
    // With the right length.
    ['made up', (first, second) => [Buffer.from([0, 20, ...Buffer.alloc(20)]), first, second]]
  ]

  /** Changes the first two chunks together, and passes others on. */
  function changingTwo(change: (typeof changes)[number][1]): LyingStar['toClients'] {
    let first: Buffer | undefined
    let isDone = false
    return aboutChunks((chunk) => {
      if (isDone) return [chunk]
      isDone = first !== undefined
      if (first !== undefined) return change(first, chunk)
      first = chunk
      return []
    })
  }

  describe.each([
    ['to', 'toClients'],
    ['from', 'toStar']
  ] as const)('%s the dialler', (_to, direction) => {
    test.each(changes)('a chunk is %s: the connection ends, the nodes live on', async (_name, change) => {
      await using star = await startStar()
      await using liar = await startLyingStar(star)
      await using alice = await startNode([liar.multiaddr])
      await using bob = await startNode([star.multiaddr])
      await serveEcho(bob)
      const stream = await alice.dialProtocol(addressOf(bob, liar), ECHO)
      const ended = new Promise<Error | undefined>((resolve) => {
        alice.getConnections()[0]?.addEventListener('close', ({ error }) => resolve(error), { once: true })
      })
      liar[direction] = changingTwo(change)
      expect(await failure(roundTrip(stream, 2_000_000))).toBeInstanceOf(Error)
      expect(await within('the end of the connection', ended)).toBeInstanceOf(Error)
      await nothingOpen(star, alice, bob)
      expect(await roundTrip(await alice.dialProtocol(addressOf(bob, liar), ECHO), 100_000)).toBe(100_000)
    })
  })
})
