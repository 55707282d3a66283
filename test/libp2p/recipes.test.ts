import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { eventually, Inbox, within } from '@websocket-star/testkit'
import { createServer } from 'vite'
import { describe, expect, onTestFinished, test } from 'vitest'
import install from '../browsers/install.js'
import { launchChromium } from '../browsers/support/browser.js'
import { peerIdOf } from '../support/generations.js'
import { startNode } from '../support/libp2p-node.js'
import { startStar, type Star } from '../support/star.js'

const RECIPES = fileURLToPath(new URL('../../examples/libp2p-recipes/', import.meta.url))
const PRELOADED = [
  new URL('../support/node-22.js', import.meta.url),
  new URL('../support/loopback-only.js', import.meta.url)
].flatMap(({ href }) => ['--import', href])

/** A recipe as a process of its own, which ends with the test. */
class Recipe {
  readonly lines = new Inbox<string>()
  readonly #output: Promise<Buffer>
  readonly #errors: Promise<Buffer>
  readonly #code: Promise<number | null>
  readonly #stop: () => void

  constructor(script: string, ...args: string[]) {
    const child = spawn(process.execPath, [...PRELOADED, join(RECIPES, script), ...args], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    createInterface({ input: child.stdout }).on('line', (line) => this.lines.push(line))
    this.#output = buffer(child.stdout)
    this.#errors = buffer(child.stderr)
    this.#code = new Promise((resolve) => child.once('exit', resolve))
    this.#stop = () => void child.kill()
    onTestFinished(this.#stop)
  }

  /** What comes after a label at the beginning of a line. */
  async read(label: string): Promise<string> {
    const isIt = (line: string): boolean => line.startsWith(`${label}: `)
    await this.lines.until(`"${label}"`, (lines) => lines.some(isIt))
    return String(this.lines.items.find(isIt)).slice(label.length + 2)
  }

  async says(line: string | RegExp): Promise<void> {
    await this.lines.until(`"${String(line)}"`, (lines) => lines.some((other) => matches(other, line)))
  }

  /** Ends it, and waits for that. */
  async stop(): Promise<void> {
    this.#stop()
    await within('the end', this.#code)
  }

  /** Waits until it ends by itself. */
  async end(): Promise<{ code: number | null; out: Buffer; err: string }> {
    const [code, out, err] = await within('the end', Promise.all([this.#code, this.#output, this.#errors]))
    return { code, out, err: String(err) }
  }
}

function matches(line: string, expected: string | RegExp): boolean {
  return typeof expected === 'string' ? line === expected : expected.test(line)
}

async function makeFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'recipes-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

const addressOf = (star: Star, id: string): Multiaddr => multiaddr(`${star.multiaddr}/p2p/${id}`)

test('echo: the one finds the other, whoever comes first, past those who do not echo', async () => {
  await using star = await startStar()
  await using other = await startNode([star.multiaddr])
  const early = new Recipe('echo-dial.js', 'hällo', star.multiaddr)
  await eventually('the early one', () => star.server.stats().peers === 2)
  const listening = new Recipe('echo-listen.js', star.multiaddr)
  const id = await listening.read('Peer id')
  expect(await early.end()).toMatchObject({
    code: 0,
    out: Buffer.from('hällo\n'),
    err: expect.stringContaining(`${other.peerId.toString()} does not echo`)
  })
  const late = new Recipe('echo-dial.js', 'x'.repeat(100_000), star.multiaddr)
  expect(await late.end()).toMatchObject({ code: 0, out: Buffer.from(`${'x'.repeat(100_000)}\n`) })
  expect(id).toMatch(/^12D3/)
  expect(listening.lines.items.filter((line) => line.endsWith(' is connected'))).toHaveLength(2)
})

test('helia: a file is fetched by its CID over the star, and nothing leaves this machine', async () => {
  await using star = await startStar()
  const file = join(await makeFolder(), 'file')
  const bytes = randomBytes(3_000_000)
  await writeFile(file, bytes)
  const adding = new Recipe('helia-add.js', file, star.multiaddr)
  const cid = await adding.read('CID')
  const { code, out, err } = await new Recipe('helia-get.js', cid, star.multiaddr).end()
  expect({ code, err, isSame: out.equals(bytes) }).toEqual({ code: 0, err: '', isSame: true })
  expect(star.server.stats().relayed.bytes).toBeGreaterThan(bytes.length)
})

test('transports: each peer is dialled where it is', async () => {
  await using star = await startStar()
  const { code, out, err } = await new Recipe('transports.js', star.multiaddr).end()
  expect({ code, err }).toEqual({ code: 0, err: '' })
  expect(String(out).trimEnd().split('\n').slice(-5)).toEqual([
    'on the star: p2p-websocket-star',
    'behind a WebSocket server: ws',
    'behind a relay: p2p-circuit, limited',
    'at all of them, found on the star: p2p-websocket-star',
    'the same once more: ws'
  ])
  expect(star.server.stats().dials).toEqual({ total: 2, success: 2, failure: 0 })
})

test('browser: a page dials a star on this machine only when its gater lets it', async () => {
  install()
  await using star = await startStar()
  const listening = new Recipe('echo-listen.js', star.multiaddr)
  const id = await listening.read('Peer id')
  const vite = await createServer({
    root: RECIPES,
    cacheDir: await makeFolder(),
    configFile: false,
    logLevel: 'silent',
    optimizeDeps: { entries: ['browser.html'] },
    server: { host: '127.0.0.1', port: 0 }
  })
  onTestFinished(() => vite.close())
  await vite.listen()
  await using chromium = await launchChromium()
  const { port } = new URL(String(vite.resolvedUrls?.local[0]))
  /** What a page says of the one who listens. */
  const visit = async (host: string): Promise<string> => {
    const page = await chromium.open(`http://${host}:${port}/browser.html?star=${encodeURIComponent(star.multiaddr)}`)
    const line = await page.tab.waitForSelector('li')
    const said = await line?.evaluate(({ textContent }) => textContent)
    await page.close()
    await eventually('it to be gone', () => star.server.stats().peers === 1)
    return String(said)
  }
  expect(await visit('localhost')).toBe(`${id}: hello from a page`)
  expect(await visit('127.0.0.1')).toMatch(`${id}: The connection gater denied all addresses`)
  expect(star.server.stats().dials.total).toBe(1)
})

test('known peers: a stranger is neither dialled nor let in', async () => {
  await using star = await startStar()
  await using friend = await startNode([star.multiaddr])
  await using stranger = await startNode([star.multiaddr])
  const recipe = new Recipe('known-peers.js', friend.peerId.toString(), star.multiaddr)
  const id = await recipe.read('Peer id')
  const welcome = `${friend.peerId.toString()} is connected`
  await recipe.says(welcome)
  await recipe.says(new RegExp(`^${stranger.peerId.toString()} is not dialled: .*blocked by gater`))
  // Its own side of the handshake may be done before it is refused.
  await stranger.dial(addressOf(star, id)).catch(() => {})
  await recipe.says(`${stranger.peerId.toString()} has dialled and is refused`)
  await eventually('the end of its connection', () => stranger.getConnections().length === 0)
  await friend.hangUp(multiaddr(`/p2p/${id}`))
  await friend.dial(addressOf(star, id))
  await recipe.lines.until('the friend again', (lines) => lines.filter((line) => line === welcome).length === 2)
  expect(recipe.lines.items).not.toContain(`${stranger.peerId.toString()} is connected`)
})

test('many at once: all come from one host, and get through with the limits raised', async () => {
  await using star = await startStar()
  const recipe = new Recipe('many-at-once.js', star.multiaddr)
  await eventually('a dial', () => star.server.stats().dials.total > 0)
  const begun = performance.now()
  await recipe.says(/^By default/)
  const seconds = Math.ceil((performance.now() - begun) / 1000)
  const { code, out, err } = await recipe.end()
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const [byDefault, raised, ...more] = String(out).trimEnd().split('\n')
  const [, connected] = /^By default: (\d+) of 20 are connected, from 127\.0\.0\.1$/.exec(String(byDefault)) ?? []
  // Five a second, of the one in which the first came, too.
  expect(Number(connected)).toBeGreaterThanOrEqual(5)
  expect(Number(connected)).toBeLessThanOrEqual(5 * (seconds + 1))
  expect(raised).toBe('With limits for a star: 20 of 20 are connected, from 127.0.0.1')
  expect(more).toEqual([])
})

test('same peer id: a key in a file makes it the same peer, and nobody else can read it', async () => {
  await using star = await startStar()
  const folder = await makeFolder()
  const start = async (file: string): Promise<string> => {
    const recipe = new Recipe('same-peer-id.js', join(folder, file), star.multiaddr)
    const id = await recipe.read('Peer id')
    await recipe.stop()
    return id
  }
  const [first, another] = await Promise.all([start('peer.key'), start('other.key')])
  expect(await start('peer.key')).toBe(first)
  expect(another).not.toBe(first)
  expect((await stat(join(folder, 'peer.key'))).mode & 0o777).toBe(0o600)
})

test('a peer of the libp2p of 2019 keeps its peer id', async () => {
  const old = await peerIdOf('upgraded')
  const { privKey } = JSON.parse(JSON.stringify(old)) as { privKey: string } // as peer-id writes it
  const privateKey = privateKeyFromProtobuf(Uint8Array.from(atob(privKey), (c) => c.charCodeAt(0)))
  expect(peerIdFromPrivateKey(privateKey).toString()).toBe(old.toB58String())
})

test('recipes that need an argument say so', async () => {
  const scripts = ['helia-add.js', 'helia-get.js', 'known-peers.js']
  const ends = await Promise.all(scripts.map((script) => new Recipe(script).end()))
  for (const [index, { code, err }] of ends.entries()) {
    expect(code).toBe(2)
    expect(err).toMatch(new RegExp(`^Usage: node ${scripts[index]} <`))
  }
})

test.each(['echo-listen.js', 'echo-dial.js'])(
  'without a server %s ends, and says where it looked for it',
  async (script) => {
    await using star = await startStar()
    await star.stop()
    const { code, err } = await new Recipe(
      script,
      ...(script === 'echo-dial.js' ? ['hello'] : []),
      star.multiaddr
    ).end()
    expect(code).toBe(1)
    expect(err).toContain(`http://127.0.0.1:${star.port} could not be reached`)
  }
)

describe('the page of recipes', () => {
  const readme = async (): Promise<string> => await readFile(join(RECIPES, 'README.md'), 'utf8')

  test('names only files that are there', async () => {
    const text = (await readme()).replaceAll(/http:\/\/[^/]+\//g, '')
    const links = [...text.matchAll(/\]\(([^)#]+)\)/g)].map(([, link]) => String(link))
    const names = [...text.matchAll(/[\w-]+(?:\/[\w-]+)*\.(?:js|html)\b/g)].map(([name]) => name)
    const commands = [...text.matchAll(/^node (\S+)/gm)].map(([, name]) => String(name))
    expect(commands.length).toBeGreaterThan(0)
    for (const name of new Set([...links, ...names, ...commands])) {
      expect((await stat(join(RECIPES, name))).isFile(), name).toBe(true)
    }
  })

  test('has every recipe, and a test runs each', async () => {
    const [text, tests] = await Promise.all([readme(), readFile(fileURLToPath(import.meta.url), 'utf8')])
    const recipes = (await readdir(RECIPES)).filter((name) => /\.(js|html)$/.test(name))
    expect(recipes.filter((name) => !text.includes(name))).toEqual([])
    expect(recipes.filter((name) => !tests.includes(name.replace('browser.js', 'browser.html')))).toEqual([])
  })
})
