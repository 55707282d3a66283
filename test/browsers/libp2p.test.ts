// oxlint-disable-next-line import/no-unassigned-import -- it comes before libp2p is loaded
import '../support/promise-with-resolvers.js'
import { fileURLToPath } from 'node:url'
import { peerIdFromString } from '@libp2p/peer-id'
import { eventually, within } from '@websocket-star/testkit'
import { build } from 'esbuild'
import { describe, expect, test } from 'vitest'
import { startNode, type TestNode } from '../support/libp2p-node.js'
import { startStar } from '../support/star.js'
import { EXCHANGE, exchange } from './pages/libp2p/stream.js'
import type { NodePage } from './pages/libp2p/page.js'
import { digestOf, type Received } from './pages/random-bytes.js'
import { BROWSERS } from './support/browser.js'
import type { Page } from './support/page.js'
import { setStage } from './support/stage.js'

const MB = 1_000_000
/** What yamux may have under way in the pages' streams at most. */
const WINDOW = 4_194_304
/** The largest piece that is sent at once. */
const PIECE = 200_000

/** A page with the node and all that it needs, as a bundler puts it together. */
async function bundlePage(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('pages/libp2p/page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false
  })
  const [{ text } = { text: '' }] = outputFiles
  return `<!doctype html><meta charset="utf-8" /><title>A node</title><script type="module">${text}</script>`
}

const DOCUMENTS = { '/node': await bundlePage() }

function call<Name extends keyof NodePage>(
  page: Page,
  name: Name,
  ...args: Parameters<NodePage[Name]>
): ReturnType<NodePage[Name]> {
  const called = page.evaluate(`page.${name}(...${JSON.stringify(args)})`)
  // All of a page's functions return promises of what JSON can say.
  return within(`${name} in a page`, called) as ReturnType<NodePage[Name]>
}

/** The next exchange with a Node node, in which it sends the bytes of a seed. */
function served(node: TestNode, seed: number, bytes: number): Promise<Received> {
  return new Promise((resolve, reject) => {
    void node.handle(EXCHANGE, (stream) => exchange(stream, seed, bytes).then(resolve, reject))
  })
}

/** Where a node's peer store says that a peer is. */
async function addressesOf(node: TestNode, id: string): Promise<string[]> {
  const { addresses } = await node.peerStore.get(peerIdFromString(id))
  return addresses.map(({ multiaddr }) => multiaddr.toString())
}

describe.each(BROWSERS)('js-libp2p nodes in %s', (_name, launch) => {
  const stage = setStage(launch, { documents: DOCUMENTS })

  /** Two tabs with a node each, which have discovered each other. */
  async function meet(star: string): Promise<{ alice: Page; bob: Page; aliceId: string; bobId: string }> {
    const [alice, bob] = [await stage.open('/node'), await stage.open('/node')]
    const [aliceId, bobId] = await Promise.all([call(alice, 'start', star), call(bob, 'start', star)])
    await Promise.all([call(alice, 'untilFound', bobId), call(bob, 'untilFound', aliceId)])
    return { alice, bob, aliceId, bobId }
  }

  test('discover each other, dial by peer id, and exchange 20 MB each way on one stream', async () => {
    await using star = await startStar()
    const { alice, bob, aliceId, bobId } = await meet(star.multiaddr)
    await call(bob, 'serve', 2, 20 * MB)
    expect(await call(alice, 'exchange', bobId, 1, 20 * MB)).toEqual(digestOf(2, 20 * MB))
    expect(await call(bob, 'served')).toEqual(digestOf(1, 20 * MB))
    expect(await call(alice, 'ping', bobId)).toBeGreaterThanOrEqual(0)
    expect(await call(bob, 'ping', aliceId)).toBeGreaterThanOrEqual(0)
    expect(await call(alice, 'connections', bobId)).toEqual([`${star.multiaddr}/p2p/${bobId}`])
    expect(await call(bob, 'connections', aliceId)).toEqual([`${star.multiaddr}/p2p/${aliceId}`])
    expect(star.server.stats()).toMatchObject({ reset: {}, dropped: {} })
  })

  test('hold a sender while they do not read, and get the rest when they do', async () => {
    await using star = await startStar()
    const { alice, bob, aliceId, bobId } = await meet(star.multiaddr)
    await call(bob, 'readUpTo', 5 * MB)
    await call(alice, 'flood', bobId, 3, 20 * MB)
    await eventually('the reader to stop', async () => (await call(bob, 'reading')).held)
    // What it has granted before comes ahead of this.
    await call(bob, 'ping', aliceId)
    await eventually('the window to be used up', async () => {
      const [sending, reading] = [await call(alice, 'sending'), await call(bob, 'reading')]
      const arrived = reading.bytes + reading.waiting
      return sending.held && arrived + sending.waiting === sending.bytes
    })
    const [sending, reading] = [await call(alice, 'sending'), await call(bob, 'reading')]
    expect(sending.bytes - reading.bytes).toBeLessThanOrEqual(WINDOW + PIECE)
    // Another stream takes its time, in which the rest would come if nothing held it.
    await call(bob, 'serve', 5, 10 * MB)
    expect(await call(alice, 'exchange', bobId, 4, 10 * MB)).toEqual(digestOf(5, 10 * MB))
    expect(await call(alice, 'sending')).toEqual(sending)
    expect(await call(bob, 'reading')).toEqual(reading)
    expect(await call(bob, 'readOn')).toEqual(digestOf(3, 20 * MB))
    expect(await call(alice, 'sending')).toEqual({ bytes: 20 * MB, waiting: 0, held: false })
  })

  test('talk to a Node node, whoever dials, until their tab is closed', async () => {
    await using star = await startStar()
    await using node = await startNode([star.multiaddr])
    const nodeId = node.peerId.toString()
    const discovered = new Promise<string>((resolve) => {
      node.addEventListener('peer:discovery', ({ detail }) => resolve(detail.id.toString()), { once: true })
    })
    const page = await stage.open('/node')
    const id = await call(page, 'start', star.multiaddr)
    expect(await within('a discovery', discovered)).toBe(id)
    await call(page, 'untilFound', nodeId)

    // Node dials, by the peer id alone.
    await call(page, 'serve', 1, 10 * MB)
    const stream = await node.dialProtocol(peerIdFromString(id), EXCHANGE)
    expect(await exchange(stream, 2, 10 * MB)).toEqual(digestOf(1, 10 * MB))
    expect(await call(page, 'served')).toEqual(digestOf(2, 10 * MB))
    expect(await node.services.ping.ping(peerIdFromString(id))).toBeGreaterThanOrEqual(0)

    // The page dials.
    await node.hangUp(peerIdFromString(id))
    await eventually('the end of the connection', async () => (await call(page, 'connections', nodeId)).length === 0)
    const atNode = served(node, 3, 10 * MB)
    expect(await call(page, 'exchange', nodeId, 4, 10 * MB)).toEqual(digestOf(3, 10 * MB))
    expect(await within('the rest', atNode)).toEqual(digestOf(4, 10 * MB))
    expect(await call(page, 'ping', nodeId)).toBeGreaterThanOrEqual(0)

    expect(await addressesOf(node, id)).toEqual([star.multiaddr])
    await page.close()
    await eventually('its address to go', async () => (await addressesOf(node, id)).length === 0)
    await eventually('its connection to end', () => node.getConnections(peerIdFromString(id)).length === 0)
  })
})
