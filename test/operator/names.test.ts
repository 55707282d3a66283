import { connectRaw } from '@websocket-star/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createCertificates, type Certificates } from '../support/certificates.js'
import { CommandServer } from '../support/command.js'
import { leadLegacyClients } from '../support/lead-legacy-clients.js'
import { joinLegacy, LegacyNode, refusal } from '../support/legacy.js'
import { createIdentity } from '../support/raw-identity.js'
import { openStar } from '../support/raw-star.js'
import { startStar } from '../support/star.js'

let certificates: Certificates

beforeAll(async () => {
  certificates = await createCertificates('x', ['star.example.com', '*.stars.example', 'localhost'])
})

afterAll(async () => {
  await certificates[Symbol.asyncDispose]()
})

const FULL = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
const SHORT = '/dns4/star.example.com/wss/p2p-websocket-star'
/** Old clients ask for a port. */
const ELSEWHERE = '/dns4/evil.example/tcp/443/wss/p2p-websocket-star'

test.each([FULL, SHORT, '/dnsaddr/STAR.example.com/tcp/443/tls/ws/p2p-websocket-star'])(
  'where the public address is %s, old and raw clients join under it however they spell it',
  async (publicAddress) => {
    await using star = await startStar({ publicAddresses: [publicAddress] })
    const wanted = leadLegacyClients(star.url, certificates.authority)
    await using alice = await joinLegacy({ star: FULL, name: 'alice' })
    await using bob = await joinLegacy({ star: FULL.replace('star.ex', 'Star.Ex'), name: 'bob' })
    expect(wanted).toEqual(['https://star.example.com', 'https://Star.Example.com'])
    const [raw, identity] = [await connectRaw(star.url), await createIdentity()]
    await raw.join(identity, SHORT)
    // Each hears of the others under the address that it joined with itself, and dials them there.
    await alice.discovered.until('word of bob', (items) => items.includes(`${FULL}/ipfs/${bob.peerId}`))
    await alice.dial(`${FULL}/ipfs/${bob.peerId}`)
    const connection = raw.dial(`${SHORT}/ipfs/${alice.peerId}`)
    await alice.accepted.until('a dial', (connections) => connections.length > 0)
    await connection
    raw.wire.close()

    await using mallory = await LegacyNode.create({ star: ELSEWHERE, name: 'mallory' })
    expect(await refusal(mallory.listen())).toBe(
      `This server is not known by that address: ${ELSEWHERE}. It is ${star.server.names.join()}`
    )
    expect(star.server.stats().refused).toEqual({ 'public address': 1 })
  }
)

test('an old client joins under the name in the certificate, which nobody named, and under no other', async () => {
  const { key, cert } = certificates
  await using star = await startStar({ key, cert })
  leadLegacyClients(star.url, certificates.authority)
  await using alice = await joinLegacy({ star: FULL, name: 'alice' })
  await using mallory = await LegacyNode.create({ star: ELSEWHERE, name: 'mallory' })
  expect(await refusal(mallory.listen())).toMatch(/\. It is star\.example\.com, \*\.stars\.example$/)
  expect(alice.events.items).toContain('listening')
  expect(star.server.stats().peers).toBe(1)
})

test.each<[string, (files: Certificates) => object]>([
  ['PEM files', ({ key, cert }) => ({ key, cert })],
  ['a PFX file', ({ pfx, passphrase }) => ({ pfx, passphrase })]
])('the names in a certificate are known: %s', async (_, optionsOf) => {
  const star = await openStar(optionsOf(certificates))
  expect(star.server.names).toEqual(['star.example.com', '*.stars.example'])
  const [peer, identity] = [await star.connect({ ca: certificates.authority }), await createIdentity()]
  for (const server of [
    '/dns4/star.example.com/wss',
    '/dns4/STAR.example.com/tcp/8443/tls/ws',
    '/dns4/one.stars.example/wss',
    `/ip4/127.0.0.1/tcp/${star.port}/wss`
  ]) {
    await peer.join(identity, `${server}/p2p-websocket-star`)
  }
  for (const server of [
    '/dns4/a.b.stars.example/wss',
    '/dns4/stars.example/wss',
    '/dns4/star.example/wss',
    '/dns4/star.example.com/tcp/80/ws'
  ]) {
    const address = `${server}/p2p-websocket-star/ipfs/${identity.id}`
    await expect(peer.challenge(identity, address)).rejects.toThrow(/^This server is not known by that address: /)
  }
})

test('a certificate of the loopback interface names no server', async () => {
  await using local = await createCertificates()
  const star = await openStar({ key: local.key, cert: local.cert })
  expect(star.server.names).toEqual([])
  const [peer, identity] = [await star.connect({ ca: local.authority }), await createIdentity()]
  await peer.join(identity, '/dns4/elsewhere.example/wss/p2p-websocket-star')
})

test('addresses of the interfaces are joined by those who are near, and by nobody behind an unnamed proxy', async () => {
  const star = await openStar({ publicAddresses: ['/dns4/star.example.com/wss/p2p-websocket-star'] })
  const identity = await createIdentity()
  const address = `${star.prefix}/ipfs/${identity.id}`
  const far = await star.connect({ forwardedFor: '203.0.113.7' })
  await expect(far.challenge(identity, address)).rejects.toThrow(/^This server is not known by that address: /)
  const near = await star.connect()
  await near.join(identity, star.prefix)
})

test('a server that knows its name tells it to clients, and does not warn that it has none', async () => {
  await using named = await CommandServer.start(['--key', certificates.key, '--cert', certificates.cert])
  expect(named.banner).toContain(`Give clients: /dns4/star.example.com/tcp/${named.port}/wss/p2p-websocket-star`)
  await using nameless = await CommandServer.start([])
  await nameless.stderr.until('the warning', (lines) => lines.some((line) => line.includes('--public-address')))
  await named.stop('SIGINT')
  expect(named.messages.join('\n')).not.toContain('--public-address')
})

test('a proxy that is not named is told of once', async () => {
  await using server = await CommandServer.start(['--public-address=/ip4/127.0.0.1/tcp/1/ws/p2p-websocket-star'])
  for (let request = 0; request < 3; request++) {
    await fetch(`${server.url}/socket.io/?EIO=4&transport=polling`, { headers: { 'x-forwarded-for': '203.0.113.7' } })
  }
  await server.stop('SIGINT')
  const told = server.stderr.items.filter((line) => line.includes('--trust-proxy'))
  expect(told).toHaveLength(1)
  expect(told[0]).toContain('--trust-proxy 127.0.0.1')
})
