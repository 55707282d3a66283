import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { joinLegacy } from '../support/legacy.js'
import { startStar } from '../support/star.js'
import { echoing, joinClient, readAll, roundTripText, untilPeers, writeRandom } from '../support/star-client.js'
import { intact, randomChunks, roundTrip } from '../support/streams.js'
import { BROWSERS } from './support/browser.js'
import type { Page } from './support/page.js'
import { setStage } from './support/stage.js'
import type { LegacyPeer } from './pages/legacy.js'
import { digestOf } from './pages/random-bytes.js'

const require = createRequire(import.meta.url)

const MB = 1_000_000
/** The old packages; each has all it needs in one script. */
const PACKAGES = ['peer-id', 'peer-info', 'libp2p-websocket-star']

const LEGACY_PAGE = `<!doctype html>
<meta charset="utf-8" />
<link rel="icon" href="data:," />
${PACKAGES.map((name) => `<script src="/${name}/index.min.js"></script>`).join('\n')}
<script type="module" src="/pages/legacy.js"></script>
`

const OPTIONS = {
  documents: { '/legacy': LEGACY_PAGE },
  folders: Object.fromEntries(
    PACKAGES.map((name) => [`/${name}/`, join(dirname(require.resolve(`${name}/package.json`)), 'dist')])
  )
}

/** A page with what old applications loaded from a CDN. */
function legacyPeer(page: Page): LegacyPeer {
  const call = (name: string, ...args: unknown[]): Promise<never> =>
    page.evaluate(`legacy.${name}(...${JSON.stringify(args)})`)
  return {
    join: (star) => call('join', star),
    discovered: () => call('discovered'),
    roundTrip: (address, seed, bytes) => call('roundTrip', address, seed, bytes)
  }
}

describe.each(BROWSERS)('%s', (_name, launch) => {
  const stage = setStage(launch, OPTIONS)

  test('a page dials a client in Node, which dials it', async () => {
    await using star = await startStar()
    const [page, client] = [await stage.open(), await joinClient(star)]
    echoing(client)
    const pageId = await page.call('join', { servers: [star.url] })
    await page.call('echo')
    await Promise.all([
      page.call('untilPeer', client.peerId),
      untilPeers(client, 'word of the page', () => client.peers.has(pageId))
    ])
    const dialled = await page.call('dial', client.peerId)
    expect(await page.call('exchange', dialled, 1, 10 * MB)).toEqual(digestOf(1, 10 * MB))

    const connection = await client.dial(pageId)
    const [digest, returned] = await Promise.all([
      writeRandom(connection.writable, 10 * MB),
      readAll(connection.readable)
    ])
    expect(returned).toEqual({ bytes: 10 * MB, digest })
    await connection.closed
    expect(await roundTripText(await client.dial(`${star.multiaddr}/p2p/${pageId}`), 'hällo')).toBe('hällo')
  })

  test('a page dials a legacy client in Node, which dials it', async () => {
    await using star = await startStar()
    const page = await stage.open()
    const pageId = await page.call('join', { servers: [star.url] })
    await page.call('echo')
    await using legacy = await joinLegacy({ star: star.multiaddr, name: 'alice' })
    const address = `${star.multiaddr}/ipfs/${pageId}`
    await Promise.all([
      page.call('untilPeer', legacy.peerId),
      legacy.discovered.until('word of the page', (items) => items.includes(address))
    ])
    const dialled = await page.call('dial', legacy.peerId)
    expect(await page.call('exchange', dialled, 1, 10 * MB)).toEqual(digestOf(1, 10 * MB))

    expect(await roundTrip(randomChunks(10 * MB), await legacy.dial(address))).toEqual(intact)
    await legacy.close()
    await page.call('untilChange', `left ${legacy.peerId}`)
  })

  test('a page with the old browser bundle joins, hears of a client in Node, and they dial each other', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    echoing(client)
    const legacy = legacyPeer(await stage.open('/legacy'))
    const id = await legacy.join(star.multiaddr)
    const address = `${star.multiaddr}/ipfs/${client.peerId}`
    await eventually('word of the client', async () => (await legacy.discovered()).includes(address))
    expect(await legacy.roundTrip(address, 1, 10 * MB)).toEqual(digestOf(1, 10 * MB))

    await untilPeers(client, 'word of the page', () => client.peers.has(id))
    const connection = await client.dial(id)
    const [digest, returned] = await Promise.all([
      writeRandom(connection.writable, 10 * MB),
      readAll(connection.readable)
    ])
    expect(returned).toEqual({ bytes: 10 * MB, digest })
    await connection.closed
  })

  test('a page with the old browser bundle and one with the client dial each other', async () => {
    await using star = await startStar()
    const page = await stage.open()
    const pageId = await page.call('join', { servers: [star.url] })
    await page.call('echo')
    const legacy = legacyPeer(await stage.open('/legacy'))
    const id = await legacy.join(star.multiaddr)
    await page.call('untilPeer', id)
    const connection = await page.call('dial', id)
    expect(await page.call('exchange', connection, 1, 10 * MB)).toEqual(digestOf(1, 10 * MB))

    const address = `${star.multiaddr}/ipfs/${pageId}`
    await eventually('word of the page', async () => (await legacy.discovered()).includes(address))
    expect(await legacy.roundTrip(address, 2, 10 * MB)).toEqual(digestOf(2, 10 * MB))
    expect(star.server.stats()).toMatchObject({ reset: {}, dropped: {} })
  })
})
