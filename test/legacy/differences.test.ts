import { createHash, generateKeyPairSync } from 'node:crypto'
import { connectRaw, within } from '@websocket-star/testkit'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startFirstServer } from '../support/first-server.js'
import { generation } from '../support/generations.js'
import { startStar, type StarAddress } from '../support/star.js'

/** What docs/upgrading.md lists for clients, side by side. */
const SERVERS = [
  ['the first server', () => startFirstServer('--disableCryptoChallenge'), true],
  ['this server', () => startStar({ cryptoChallenge: false }), false]
] as const

const PEER = 'QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC'

let missing: string | undefined
beforeAll(async () => {
  missing = await startFirstServer().then(
    async (server) => void (await server[Symbol.asyncDispose]()),
    (error: unknown) => `the first server is left out: ${String(error)}`
  )
}, 300_000)

describe.each(SERVERS)('%s', (_name, start, isFirst) => {
  async function open(skip: (why: string) => void): Promise<StarAddress> {
    if (isFirst && missing !== undefined) skip(missing)
    const server = await start()
    onTestFinished(() => server[Symbol.asyncDispose]())
    return server
  }

  async function connect({ url }: StarAddress) {
    const peer = await connectRaw(url, { eio: '3' })
    onTestFinished(() => peer.wire.close())
    return peer
  }

  test(`${isFirst ? 'relays' : 'refuses'} dials of a peer to itself`, async ({ skip }) => {
    const server = await open(skip)
    const peer = await connect(server)
    const address = `${server.multiaddr}/ipfs/${PEER}`
    expect((await peer.request('ss-join', address, ''))[0]).toBeNull()
    const answer = peer.request('ss-dial', address, address, 'self')
    if (!isFirst) return expect(await answer).toEqual(['Cannot dial own peer'])
    answer.catch(() => {})
    expect(await peer.takeText(/"ss-incomming"/)).toContain(address)
  })

  test(`${isFirst ? 'challenges' : 'refuses'} a peer with an RSA key of 512 bits`, async ({ skip }) => {
    if (isFirst && missing !== undefined) skip(missing)
    const server = await (isFirst ? startFirstServer() : startStar())
    onTestFinished(() => server[Symbol.asyncDispose]())
    const peer = await connect(server)
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 512 })
    const der = publicKey.export({ type: 'spki', format: 'der' })
    // The protobuf of libp2p: type 0 is RSA.
    const key = Buffer.concat([Buffer.of(0x08, 0, 0x12, der.length), der])
    const { PeerId } = generation('0.10.2')
    const hash = createHash('sha256').update(key).digest()
    const name = new PeerId(Buffer.concat([Buffer.of(0x12, 0x20), hash])).toB58String()
    const [error, nonce] = await peer.request('ss-join', `${server.multiaddr}/ipfs/${name}`, key.toString('hex'))
    expect([error, typeof nonce]).toEqual(isFirst ? [null, 'string'] : ['Crypto error', 'undefined'])
  })

  test(`${isFirst ? 'serves' : 'does not serve'} the client library of socket.io`, async ({ skip }) => {
    const { url } = await open(skip)
    expect((await fetch(`${url}/socket.io/socket.io.js`)).status).toBe(isFirst ? 200 : 400)
  })

  test(`${isFirst ? 'keeps' : 'ends'} the connection of a client that sends DISCONNECT`, async ({ skip }) => {
    const peer = await connect(await open(skip))
    peer.send('41')
    if (!isFirst) return void (await within('the end of the connection', peer.closed))
    // A ping of engine.io 3, which is answered as long as the connection is open.
    peer.wire.send('2')
    await peer.takeText(/^3$/)
  })
})
