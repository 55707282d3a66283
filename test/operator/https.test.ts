import { get, type RequestOptions } from 'node:https'
import { createRequire } from 'node:module'
import { text } from 'node:stream/consumers'
import { createRendezvous, type RendezvousOptions } from '@websocket-star/rendezvous'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { CommandServer } from '../support/command.js'
import { joinLegacy, LegacyNode, refusal } from '../support/legacy.js'
import { startStar } from '../support/star.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'
import { createCertificates, type Certificates } from '../support/certificates.js'

let certificates: Certificates
let others: Certificates

beforeAll(async () => {
  ;[certificates, others] = await Promise.all([createCertificates(), createCertificates()])
})

afterAll(async () => {
  await certificates[Symbol.asyncDispose]()
  await others[Symbol.asyncDispose]()
})

type Connect = (url: string, options: object) => unknown

/**
 * Lets real clients trust a certificate, until the test is over. The old package has no option for that, though its
 * socket.io has: it is given the certificate on the way.
 */
function trust(authority: string): void {
  const require = createRequire(import.meta.url)
  const requireAs = createRequire(require.resolve('libp2p-websocket-star/package.json'))
  const io: { connect: Connect } = requireAs('socket.io-client')
  const { connect } = io
  io.connect = (url, options) => connect(url, { ...options, ca: authority })
  onTestFinished(() => {
    io.connect = connect
  })
}

async function fetchPage(url: string, options: RequestOptions = {}): Promise<{ status?: number; body: string }> {
  return await new Promise((resolve, reject) => {
    get(url, { agent: false, ...options }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject)
    }).once('error', reject)
  })
}

/** What a server says that cannot be created. */
function complaintOf(options: RendezvousOptions): string {
  try {
    createRendezvous(options)
    return ''
  } catch (error) {
    return String(error)
  }
}

/** Every way to say where key and certificate are. */
const ways: [string, (files: Certificates) => RendezvousOptions][] = [
  ['PEM files', ({ key, cert }) => ({ key, cert })],
  ['PEM files with a passphrase', ({ lockedKey, cert, passphrase }) => ({ key: lockedKey, cert, passphrase })],
  ['a PFX file with a passphrase', ({ pfx, passphrase }) => ({ pfx, passphrase })],
  ['a PFX file without a passphrase', ({ openPfx }) => ({ pfx: openPfx })]
]

describe.each(ways)('a server with %s', (_, optionsOf) => {
  test('is joined and dialled by real clients', async () => {
    trust(certificates.authority)
    await using star = await startStar(optionsOf(certificates))
    expect(star.multiaddr).toBe(`/ip4/127.0.0.1/tcp/${star.port}/wss/p2p-websocket-star`)
    await using alice = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    await using bob = await joinLegacy({ star: star.multiaddr, name: 'bob' })

    await alice.discovered.until('word of bob', (items) => items.includes(bob.address))
    expect(await roundTrip(randomChunks(1_000_000), await bob.dial(alice.address))).toEqual(intact)
  })

  test('serves its pages over HTTPS only', async () => {
    await using star = await startStar(optionsOf(certificates))
    expect(star.url).toBe(`https://127.0.0.1:${star.port}`)
    const { status, body } = await fetchPage(star.url, { ca: certificates.authority })
    expect(status).toBe(200)
    expect(body).toContain(`/ip4/127.0.0.1/tcp/${star.port}/wss/p2p-websocket-star`)
    await expect(fetch(star.url.replace('https', 'http'))).rejects.toThrow('fetch failed')
  })
})

test('real clients do not join a server whose certificate they do not trust', async () => {
  trust(others.authority)
  await using star = await startStar({ key: certificates.key, cert: certificates.cert })
  await using alice = await LegacyNode.create({ star: star.multiaddr, name: 'alice' })
  expect(await refusal(alice.listen())).toBe('websocket error')
  await expect(fetchPage(star.url, { ca: others.authority })).rejects.toThrow('self-signed certificate')
  expect(star.server.stats().sessions).toBe(0)
})

describe('the command line', () => {
  test.each<[string, (files: Certificates) => [string[], Record<string, string>?]]>([
    ['--key --cert', ({ key, cert }) => [['--key', key, '--cert', cert]]],
    [
      '--key --cert --passphrase',
      (c) => [[`--key=${c.lockedKey}`, `--cert=${c.cert}`, `--passphrase=${c.passphrase}`]]
    ],
    ['--pfx --passphrase', ({ pfx, passphrase }) => [[`--pfx=${pfx}`, `--passphrase=${passphrase}`]]],
    ['KEY CERT', ({ key, cert }) => [[], { KEY: key, CERT: cert }]],
    ['PFX PFX_PASSPHRASE', ({ pfx, passphrase }) => [[], { PFX: pfx, PFX_PASSPHRASE: passphrase }]]
  ])('%s', async (_, given) => {
    await using server = await CommandServer.start(...given(certificates))
    expect(server.banner.slice(0, 2)).toEqual([
      `Listening on: https://127.0.0.1:${server.port}`,
      `Give clients: /ip4/127.0.0.1/tcp/${server.port}/wss/p2p-websocket-star`
    ])
    expect((await fetchPage(`${server.url}/health`, { ca: certificates.authority })).status).toBe(200)
  })
})

describe('it is told right away, with the file that is to blame', () => {
  test.each<[string, (files: Certificates) => RendezvousOptions, RegExp]>([
    ['a key that is not there', ({ cert }) => ({ key: `${cert}.not`, cert }), /: key: .*no such file/],
    ['a certificate that is not there', ({ key }) => ({ key, cert: `${key}.not` }), /: cert: .*no such file/],
    ['a PFX file that is not there', ({ pfx }) => ({ pfx: `${pfx}.not` }), /: pfx: .*no such file/],
    ['a folder for a key', ({ folder, cert }) => ({ key: folder, cert }), /: key: it cannot be read/],
    ['a key without a certificate', ({ key }) => ({ key }), /: key: .*cert/],
    ['a certificate without a key', ({ cert }) => ({ cert }), /: cert: .*key/],
    ['a key that is none', ({ cert }) => ({ key: cert, cert }), /: key: /],
    ['a certificate that is none', ({ key }) => ({ key, cert: key }), /: cert: /],
    ['the key of another certificate', ({ cert }) => ({ key: others.key, cert }), /: cert: .*key/],
    ['a PFX file that is none', ({ cert }) => ({ pfx: cert }), /: pfx: /],
    ['a PFX file and a key', ({ key, cert, pfx }) => ({ key, cert, pfx }), /: pfx: .*leave out --key and --cert/],
    ['a locked key without a passphrase', ({ lockedKey: key, cert }) => ({ key, cert }), /: key: .*passphrase/],
    ['a locked PFX file without a passphrase', ({ pfx }) => ({ pfx }), /: pfx: .*passphrase/]
  ])('%s', (_, optionsOf, complaint) => {
    expect(complaintOf(optionsOf(certificates))).toMatch(complaint)
  })
})
