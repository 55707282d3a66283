import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { text } from 'node:stream/consumers'
import { LocalBackplane, LocalStar, type RendezvousOptions } from '@websocket-star/rendezvous'
import type { StarClient, StarClientOptions } from '@websocket-star/client'
import { connectRaw, openDial, type RawPeer } from '@websocket-star/testkit'
import { freePort } from '@websocket-star/testkit/processes'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createCertificates, type Certificates } from '../support/certificates.js'
import { DebianProxy, missingProgram, type ProxyName } from '../support/debian-proxies.js'
import { leadLegacyClients } from '../support/lead-legacy-clients.js'
import { joinLegacy } from '../support/legacy.js'
import type { Replacement } from '../support/nginx.js'
import { createIdentity } from '../support/raw-identity.js'
import { echoing, joinClient, readAll, writeRandom } from '../support/star-client.js'
import { startStar } from '../support/star.js'

const NAMES: readonly ProxyName[] = ['nginx', 'caddyfile', 'haproxy', 'apache']
const MEGABYTES_5 = 5_000_000

let certificates: Certificates
const missing = new Map<ProxyName, string | undefined>()

beforeAll(async () => {
  for (const name of NAMES) missing.set(name, missingProgram(name))
  certificates = await createCertificates()
}, 600_000)

afterAll(() => certificates[Symbol.asyncDispose]())

interface Setting {
  options?: RendezvousOptions
  changes?: readonly Replacement[]
}

/** Two nodes of one star behind a proxy, for one test. */
async function start(name: ProxyName, { options = {}, changes }: Setting = {}) {
  const port = await freePort()
  const shared = new LocalStar()
  const open = async (id: string) => {
    const star = await startStar({ trustProxy: ['loopback'], backplane: new LocalBackplane(shared, id), ...options })
    onTestFinished(() => star[Symbol.asyncDispose]())
    return star
  }
  const nodes = [await open('a'), await open('b')] as const
  const proxy = await DebianProxy.start({ name, port, nodes: [nodes[0].port, nodes[1].port], certificates, changes })
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  const { authority: ca } = certificates
  const url = `https://localhost:${port}`
  const joined = (more: Partial<StarClientOptions> = {}) =>
    joinClient(url, { ...more, socket: { ca, ...more.socket } as StarClientOptions['socket'] })
  return { port, url, ca, nodes, joined, proxy }
}

interface Answer {
  status: number
  location: string | undefined
  body: string
}

/** Asks as a browser does. */
function ask(url: string, ca: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false, headers: { 'accept-language': 'en', ...headers } }, (response) => {
      const { statusCode: status = 0, headers } = response
      text(response).then((body) => resolve({ status, location: headers.location, body }), reject)
    })
      .once('error', reject)
      .end()
  })
}

async function echo(near: StarClient, far: StarClient): Promise<void> {
  echoing(far)
  const { readable, writable } = await near.dial(far.peerId)
  const [sent, received] = await Promise.all([writeRandom(writable, MEGABYTES_5), readAll(readable)])
  expect(received).toEqual({ bytes: MEGABYTES_5, digest: sent })
}

/** The node that has sessions, and the other. */
function byUse<Node extends { server: { stats(): { sessions: number } } }>(nodes: readonly [Node, Node]): [Node, Node] {
  const [one, other] = nodes
  return one.server.stats().sessions > 0 ? [one, other] : [other, one]
}

/** Lines of the samples that strip a path, as docs/proxies.md has them. */
const BELOW_STAR: Readonly<Record<ProxyName, readonly Replacement[]>> = {
  nginx: [
    ['location / {', 'location /star/ {'],
    ['proxy_pass http://star;', 'proxy_pass http://star/;']
  ],
  caddyfile: [
    ['  reverse_proxy', '  redir /star /star/\n  handle_path /star/* {\n  reverse_proxy'],
    ['    lb_try_duration 2s\n  }', '    lb_try_duration 2s\n  }\n  }']
  ],
  haproxy: [['  default_backend nodes', '  http-request set-path %[path,regsub(^/star/,/)]\n  default_backend nodes']],
  apache: [['ProxyPass / balancer://star/', 'ProxyPass /star/ balancer://star/']]
}

/** Shorter limits for silence, in the words of each. */
const THREE_SECONDS: Readonly<Record<ProxyName, readonly Replacement[]>> = {
  nginx: [['120s', '3s']],
  caddyfile: [],
  haproxy: [['120s', '3s']],
  apache: [['ProxyTimeout 120', 'ProxyTimeout 3']]
}

describe.each(NAMES)('behind %s', (name) => {
  test('TLS ends there: clients of all kinds join, and the page shows the address that the browser is at', async ({
    skip
  }) => {
    if (missing.get(name) !== undefined) return skip(missing.get(name))
    const { url, port, ca, nodes, joined } = await start(name)
    const shown = `/dns4/localhost/tcp/${port}/wss/p2p-websocket-star`
    expect((await ask(`${url}/`, ca)).body).toContain(`<output>${shown}</output>`)
    // Clients may write these headers too.
    const forged = { 'x-forwarded-proto': 'http', 'x-forwarded-host': 'evil.example', 'x-forwarded-port': '1' }
    const { body } = await ask(`${url}/`, ca, forged)
    expect(/<output>(.*)<\/output>/.exec(body)?.[1]).toBe(shown)
    await joined()
    await joined({ transports: ['polling'] })
    await joinRaw(url, ca)
    expect(nodes.flatMap(({ server }) => Object.keys(server.stats().refused))).toEqual([])
  })

  test.for<[string, Partial<StarClientOptions>]>([
    ['WebSocket', {}],
    ['polling', { transports: ['polling'] }]
  ])('5 MB come back by %s', async ([, options], { skip }) => {
    if (missing.get(name) !== undefined) return skip(missing.get(name))
    const { joined } = await start(name)
    const [near, far] = await Promise.all([joined(options), joined(options)])
    await echo(near, far)
  })

  test('the node that drains is left at once, and its open streams go on', async ({ skip }) => {
    if (missing.get(name) !== undefined) return skip(missing.get(name))
    const { url, ca, nodes, joined } = await start(name, { options: { drainTimeout: 60_000 } })
    const join = () => joinRaw(url, ca)
    // They hold the drain open.
    const held = [await join(), await join()] as const
    await openDial(...held)
    const [draining, other] = byUse(nodes)
    const mover = await joined()
    const drained = draining.server.drain()
    onTestFinished(() => draining.server.stop())
    if (name === 'caddyfile' || name === 'apache') {
      await expect.poll(async () => (await ask(`${url}/ready`, ca)).status).toBe(200)
    }
    for (let count = 0; count < 10; count++) {
      const { status } = await ask(`${url}/socket.io/?EIO=4&transport=polling`, ca)
      expect(status).toBe(200)
    }
    await join()
    await expect.poll(() => other.server.stats().sessions).toBeGreaterThan(1)
    await expect.poll(() => mover.servers.map(({ state }) => state)).toEqual(['joined'])
    expect(draining.server.stats().streams).toBe(2)
    for (const { wire } of held) wire.close()
    await drained
  })

  test('below a path that it strips, pages, events and clients work', async ({ skip }) => {
    if (missing.get(name) !== undefined) return skip(missing.get(name))
    const { url, ca, joined } = await start(name, { changes: BELOW_STAR[name] })
    const { status, body } = await ask(`${url}/star/`, ca)
    expect(status).toBe(200)
    const assets = [...body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
    expect(assets.length).toBeGreaterThan(2)
    for (const asset of assets) expect((await ask(new URL(asset, `${url}/star/`).href, ca)).status).toBe(200)
    expect((await ask(`${url}/star/try`, ca)).status).toBe(200)
    const socket = { path: '/star/socket.io/' } as StarClientOptions['socket']
    const [near, far] = await Promise.all([joined({ socket }), joined({ socket, transports: ['polling'] })])
    await echo(near, far)
  })

  test('a client that is silent for longer than its limits stays, as it is pinged more often', async ({ skip }) => {
    if (missing.get(name) !== undefined) return skip(missing.get(name))
    const { joined } = await start(name, { options: { heartbeat: { interval: 500 } }, changes: THREE_SECONDS[name] })
    const lost: string[] = []
    for (const transports of [['websocket'], ['polling']] as const) {
      const client = await joined({ transports })
      client.addEventListener('server:status', ({ detail }) => lost.push(detail.state))
    }
    // Two of its limits: time itself is what is tested.
    await new Promise((resolve) => setTimeout(resolve, 7_000))
    expect(lost).toEqual([])
  })
})

test('nginx with its default limit of bodies passes on what clients poll', async ({ skip }) => {
  if (missing.get('nginx') !== undefined) return skip(missing.get('nginx'))
  const { joined, proxy } = await start('nginx', { changes: [['client_max_body_size 2m;', '']] })
  const [near, far] = await Promise.all([joined({ transports: ['polling'] }), joined()])
  await echo(near, far)
  expect(proxy.log.items.filter((line) => line.includes('too large body'))).toEqual([])
})

test('nginx without the line about 503 sends clients back to the node that drains', async ({ skip }) => {
  if (missing.get('nginx') !== undefined) return skip(missing.get('nginx'))
  const { url, ca, nodes } = await start('nginx', {
    changes: [['proxy_next_upstream error timeout http_503;', '']],
    options: { drainTimeout: 60_000 }
  })
  const held = [await joinRaw(url, ca), await joinRaw(url, ca)] as const
  await openDial(...held)
  const [draining] = byUse(nodes)
  const drained = draining.server.drain()
  expect((await ask(`${url}/socket.io/?EIO=4&transport=polling`, ca)).status).toBe(503)
  for (const { wire } of held) wire.close()
  await drained
})

async function joinRaw(url: string, ca: string): Promise<RawPeer> {
  const peer = await connectRaw(url, { ca })
  onTestFinished(() => peer.wire.close())
  await peer.join(await createIdentity(), `/dns4/localhost/tcp/${new URL(url).port}/wss/p2p-websocket-star`)
  return peer
}

test('the pair of examples in README: its public address, and its old client, which joins through nginx', async ({
  skip
}) => {
  if (missing.get('nginx') !== undefined) return skip(missing.get('nginx'))
  const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
  const publicAddress = /--public-address (\S+)/.exec(readme)?.[1]
  const clientAddress = /multiaddr\(`(\S+?)\/ipfs\/\$\{/.exec(readme)?.[1]
  expect(publicAddress).toBeDefined()
  expect(clientAddress).toBeDefined()
  const { url, ca, nodes } = await start('nginx', { options: { publicAddresses: [String(publicAddress)] } })
  const wanted = leadLegacyClients(url, ca)
  await using alice = await joinLegacy({ star: String(clientAddress), name: 'alice' })
  await using bob = await joinLegacy({ star: String(clientAddress), name: 'bob' })
  await alice.dial(bob.address)
  expect(wanted).toEqual(['https://star.example.com', 'https://star.example.com'])
  expect(nodes.map(({ server }) => server.stats().refused)).toEqual([{}, {}])
})
