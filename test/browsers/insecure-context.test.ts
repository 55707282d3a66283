import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { echoing, joinClient } from '../support/star-client.js'
import { launchChromium, launchFirefox } from './support/browser.js'
import { setStage } from './support/stage.js'

/** A name that leads to this machine, and that no browser takes for it. */
const HOST = 'star.test'

/** The module with Ed25519 in JavaScript, for pages that have no WebCrypto. */
const ED25519 = /^\/client\/ed25519\b.*\.js$/

describe.each([
  ['Chromium', () => launchChromium({ args: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`] })],
  ['Firefox', () => launchFirefox({ extraPrefsFirefox: { 'network.dns.localDomains': HOST } })]
] as const)('%s', (_name, launch) => {
  const stage = setStage(launch)

  test.each([
    ['over plain HTTP, which has no WebCrypto, loads Ed25519 in JavaScript', HOST, false],
    ['in a secure context does not load it', '127.0.0.1', true]
  ])('a page %s', async (_title, host, secure) => {
    await using star = await startStar()
    const client = await joinClient(star)
    echoing(client)
    const before = stage.site.requests.length
    const page = await stage.open('/', host)
    expect(await page.evaluate('[isSecureContext, typeof crypto.subtle]')).toEqual([
      secure,
      secure ? 'object' : 'undefined'
    ])
    const id = await page.call('join', { servers: [`http://${host}:${star.port}`], keptKey: true })
    await page.call('untilPeer', client.peerId)
    expect(await page.call('ask', client.peerId, 'hällo')).toBe('hällo')
    expect(star.server.stats().joins).toMatchObject({ success: 2, failure: 0 })
    expect(await page.call('keptPeerId')).toBe(id)

    const requests = stage.site.requests.slice(before)
    expect(requests).toContain('/client/websocket-star.js')
    expect(requests.filter((path) => ED25519.test(path))).toHaveLength(secure ? 0 : 1)
  })

  test('a key is the same peer in both', async () => {
    const pages = [await stage.open('/', HOST), await stage.open('/')]
    const ids = await Promise.all(pages.map((page) => page.call('peerIdOf', 7)))
    expect(ids[0]).toBe(ids[1])
  })
})
