import { describe, expect, test } from 'vitest'
import { startFrameHolder } from '../support/frame-holder.js'
import { startStar, type Star } from '../support/star.js'
import { echoing, joinClient, roundTripText } from '../support/star-client.js'
import { BROWSERS } from './support/browser.js'
import { forwardAs } from './support/forwarding-proxy.js'
import type { Page } from './support/page.js'
import { setStage } from './support/stage.js'
import { digestOf } from './pages/random-bytes.js'

const MB = 1_000_000

/** What a page has opened to a star: WebSockets, and requests of polling. */
async function opened(page: Page, star: Star): Promise<{ webSockets: number; polls: boolean }> {
  const toStar = `((url) => new URL(url).port === '${star.port}')`
  const polls = await page.evaluate<number>(
    `performance.getEntriesByType('resource').map(({ name }) => name).filter(${toStar}).length`
  )
  return { webSockets: await page.evaluate(`opened.filter(${toStar}).length`), polls: polls > 0 }
}

describe.each(BROWSERS)('%s, a page of another origin than the star', (_name, launch) => {
  const stage = setStage(launch)

  test.each([
    ['WebSocket only', ['websocket'], { webSockets: 1, polls: false }, 10 * MB],
    ['polling, then WebSocket', ['polling', 'websocket'], { webSockets: 1, polls: true }, 10 * MB],
    ['polling only', ['polling'], { webSockets: 0, polls: true }, 2 * MB]
  ] as const)('connects by %s', async (_transport, transports, expected, bytes) => {
    await using star = await startStar()
    const [page, client] = [await stage.open(), await joinClient(star)]
    expect(new URL(stage.site.origin).origin).not.toBe(new URL(star.url).origin)
    echoing(client)
    const pageId = await page.call('join', { servers: [star.url], transports: [...transports] })
    await page.call('untilPeer', client.peerId)
    const connection = await page.call('dial', client.peerId)
    expect(await page.call('exchange', connection, 1, bytes)).toEqual(digestOf(1, bytes))
    await page.call('echo')
    expect(await roundTripText(await client.dial(pageId), 'hällo')).toBe('hällo')
    expect(await opened(page, star)).toEqual(expected)
    expect(star.server.stats()).toMatchObject({ reset: {}, dropped: {} })
  })

  test('joins by polling if its WebSocket opens and is then silent', async () => {
    await using star = await startStar()
    await using holder = await startFrameHolder(star.port)
    const [page, client] = [await stage.open(), await joinClient(star)]
    await page.call('join', { servers: [holder.url], connectTimeout: 2_000 })
    expect(holder.connections[0]).toBe('websocket')
    expect(holder.connections).toContain('http')
    echoing(client)
    await page.call('untilPeer', client.peerId)
    expect(await page.call('ask', client.peerId, 'hällo')).toBe('hällo')
  })

  describe.each([
    ['WebSocket', ['websocket']],
    ['polling', ['polling']],
    ['WebSocket, then polling', ['websocket', 'polling']]
  ] as const)('that connects by %s', (_transport, transports) => {
    async function refusalAt(url: string): Promise<string> {
      const page = await stage.open()
      await page.call('create', { servers: [url], transports: [...transports] })
      await page.call('untilState', 'waiting')
      expect(await page.call('error')).toBe('ERR_SERVER_UNREACHABLE')
      return await page.call('errorText')
    }

    test('is told by which option its origin can be allowed', async () => {
      await using star = await startStar({ allowedOrigins: ['https://app.example'] })
      const option = `--allowed-origin ${stage.site.origin}`
      expect(await refusalAt(star.url)).toMatch(new RegExp(`Origin is not allowed: .*${option} .*\\(403\\)$`))
      expect(star.server.stats()).toMatchObject({ sessions: 0 })
    })

    test('is told that its address has too many connections', async () => {
      await using star = await startStar({ trustProxy: ['loopback'], limits: { sessionsPerIp: 1 } })
      await using proxy = await forwardAs('203.0.113.9', star.port)
      await joinClient(proxy.url)
      expect(await refusalAt(proxy.url)).toContain('Too many connections from this address (403)')
    })

    test('is told that the server is stopping', async () => {
      await using star = await startStar()
      const [near, far] = [await joinClient(star), await joinClient(star)]
      far.handle(() => {})
      const connection = await near.dial(far.peerId)
      const drained = star.server.drain({ timeout: 60_000 })
      expect(await refusalAt(star.url)).toContain('Server is stopping (503)')
      connection.abort('done')
      await drained
    })
  })
})
