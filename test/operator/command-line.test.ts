import { createStarClient } from '@websocket-star/client'
import { connectRaw } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import manifest from '../../packages/rendezvous/package.json' with { type: 'json' }
import { CommandServer, runCommand } from '../support/command.js'
import { freePort } from '@websocket-star/testkit/processes'
import type { Environment } from '../support/line-process.js'
import { createIdentity } from '../support/raw-identity.js'

type Given = [args: string[], env?: Environment]

/** Joins with a fresh key, from a connection of its own; what the server answers last. */
async function joinUnder(server: CommandServer, prefix: string): Promise<unknown> {
  const [peer, identity] = await Promise.all([connectRaw(server.url), createIdentity()])
  const address = `${prefix}/ipfs/${identity.id}`
  const [refused, nonce] = await peer.request('ss-join', address, identity.publicKeyHex)
  if (typeof nonce !== 'string') return refused
  const [error] = await peer.request('ss-join', address, await identity.sign(nonce))
  return error
}

/** What the three old switches change: two answers to joins, and the status of the metrics. */
interface Behaviour {
  withoutKey: unknown
  oddly: unknown
  metrics: number
}

/** As it is while nothing is switched off. */
const usual: Behaviour = {
  withoutKey: 'Crypto Challenge required but no Id provided',
  oddly: 'Invalid multiaddr',
  metrics: 200
}

async function behaviourOf(server: CommandServer): Promise<Behaviour> {
  const peer = await connectRaw(server.url)
  const [withoutKey] = await peer.request('ss-join', `${server.multiaddr}/ipfs/${(await createIdentity()).id}`, '')
  return {
    withoutKey,
    oddly: await joinUnder(server, '/ip4/192.0.2.1/udp/4001'),
    metrics: (await fetch(`${server.url}/metrics`)).status
  }
}

test('without any options it listens on port 9090 of every interface', async () => {
  await using server = new CommandServer(['--log-format=pretty'])
  const listening = server.stdout.until('it to listen', (lines) => lines.length > 1).then(() => true)
  // Something else may hold that port on the machine of a developer, which shows the default as well.
  if (await Promise.race([listening, server.exit.then(() => false)])) {
    expect(server.url).toBe('http://0.0.0.0:9090')
  } else {
    expect(server.stderr.items.at(-1)).toMatch(/9090.*in use/)
  }
})

test.each<[string, (port: number) => Given]>([
  ['--port=N --host=ADDRESS', (port) => [[`--port=${port}`, '--host=127.0.0.1']]],
  ['--port N --host ADDRESS', (port) => [['--port', `${port}`, '--host', '127.0.0.1']]],
  ['-p N -h ADDRESS', (port) => [['-p', `${port}`, '-h', '127.0.0.1']]],
  ['-p=N -h=ADDRESS', (port) => [[`-p=${port}`, '-h=127.0.0.1']]],
  ['PORT and HOST', (port) => [[], { PORT: `${port}`, HOST: '127.0.0.1' }]]
])('%s say where it listens', async (_, given) => {
  const port = await freePort()
  const [args, env = { PORT: '1', HOST: '192.0.2.1' }] = given(port)
  await using server = await CommandServer.start(args, env)
  expect(server.banner.slice(0, 2)).toEqual([
    `Listening on: http://127.0.0.1:${port}`,
    `Give clients: /ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`
  ])
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
})

test('an address that stands for all is told to clients as those of the machine', async () => {
  await using server = await CommandServer.start(['--host', '0.0.0.0'])
  expect(server.banner[0]).toBe(`Listening on: http://0.0.0.0:${server.port}`)
  expect(server.banner).toContain(`Give clients: /ip4/127.0.0.1/tcp/${server.port}/ws/p2p-websocket-star`)
  expect(server.banner.slice(1).join()).not.toContain('0.0.0.0')
})

test('without a host it listens on all addresses of both families, and names both', async () => {
  await using server = await CommandServer.start([], { HOST: '' })
  const { port, banner } = server
  expect(banner.slice(0, 2)).toEqual([`Listening on: http://0.0.0.0:${port}`, `Listening on: http://[::]:${port}`])
  expect(banner).toContain(`Give clients: /ip4/127.0.0.1/tcp/${port}/ws/p2p-websocket-star`)
  expect(banner).toContain(`Give clients: /ip6/::1/tcp/${port}/ws/p2p-websocket-star`)
  for (const host of ['127.0.0.1', '[::1]', 'localhost']) {
    const url = `http://${host}:${port}`
    expect((await fetch(`${url}/health`)).status).toBe(200)
    await using client = await createStarClient({ servers: [url] })
    await client.join()
  }
})

test('a client that comes by IPv4 to a server of both families is known by its IPv4 address', async () => {
  await using server = await CommandServer.start([], { HOST: '', WEBSOCKET_STAR_ADMIN_TOKEN: 'correct horse battery' })
  await fetch(`http://127.0.0.1:${server.port}/admin/peers`, { headers: { authorization: 'Bearer wrong' } })
  await server.stderr.until('the line', (lines) => lines.some((line) => line.includes('wrong admin token')))
  expect(server.stderr.items.find((line) => line.includes('wrong admin token'))).toContain('"ip":"127.0.0.1"')
})

test('public addresses are told to clients as they are, and no others let in', async () => {
  const addresses = ['/dns4/a.example/tcp/443/wss/p2p-websocket-star', '/dns4/b.example/wss/p2p-websocket-star']
  await using server = await CommandServer.start(addresses.map((address) => `--public-address=${address}`))
  expect(server.banner.slice(1, 3)).toEqual(addresses.map((address) => `Give clients: ${address}`))
  expect(await (await fetch(server.url)).text()).toContain(`<output>${addresses[0]}</output>`)

  for (const address of addresses) expect(await joinUnder(server, address)).toBeNull()
  expect(await joinUnder(server, `/ip4/127.0.0.1/tcp/${server.port}/ws/p2p-websocket-star`)).toBeNull()
  const elsewhere = '/dns4/c.example/wss/p2p-websocket-star'
  expect(await joinUnder(server, elsewhere)).toBe(
    `This server is not known by that address: ${elsewhere}. It is ${addresses.join(', ')}`
  )
})

test.each<[string, Given, Partial<Behaviour>]>([
  ['nothing given', [[]], {}],
  ['--disableCryptoChallenge', [['--disableCryptoChallenge']], { withoutKey: null }],
  ['--disable-crypto-challenge', [['--disable-crypto-challenge']], { withoutKey: null }],
  ['DISABLE_CRYPTO_CHALLENGE', [[], { DISABLE_CRYPTO_CHALLENGE: '1' }], { withoutKey: null }],
  ['--disableStrictMultiaddr', [['--disableStrictMultiaddr']], { oddly: null }],
  ['--disable-strict-multiaddr', [['--disable-strict-multiaddr']], { oddly: null }],
  ['DISABLE_STRICT_MULTIADDR', [[], { DISABLE_STRICT_MULTIADDR: '1' }], { oddly: null }],
  ['--disableMetrics', [['--disableMetrics']], { metrics: 404 }],
  ['--disable-metrics', [['--disable-metrics']], { metrics: 404 }],
  ['DISABLE_METRICS', [[], { DISABLE_METRICS: '1' }], { metrics: 404 }],
  [
    'all three',
    [['--disableCryptoChallenge', '--disableStrictMultiaddr', '--disableMetrics']],
    { withoutKey: null, oddly: null, metrics: 404 }
  ]
])('%s: what changes, and what does not', async (_, given, change) => {
  await using server = await CommandServer.start(...given)
  expect(await behaviourOf(server)).toEqual({ ...usual, ...change })
})

test.each(['--help', '-h'])('%s prints the help', async (flag) => {
  const { code, stdout, stderr } = await runCommand([flag])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Usage: /)
})

test('--version prints the version of the package', async () => {
  expect(await runCommand(['--version'])).toEqual({ code: 0, signal: null, stdout: manifest.version, stderr: '' })
})

test('-h ADDRESS is taken for the host, with a word about it', async () => {
  await using server = await CommandServer.start(['-h', '127.0.0.1'], { HOST: '192.0.2.1' })
  expect(server.url).toBe(`http://127.0.0.1:${server.port}`)
  expect(server.stderr.items[0]).toContain('-h 127.0.0.1 is read as --host 127.0.0.1')
})
