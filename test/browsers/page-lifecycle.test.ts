import { eventually, FaultProxy, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { echoing, joinClient, roundTripText, untilPeers } from '../support/star-client.js'
import { BROWSERS } from './support/browser.js'
import { setStage } from './support/stage.js'

/** So long that a client that comes back in this test did not come back by waiting. */
const PATIENT = { initial: 600_000, max: 600_000 }

describe.each(BROWSERS)('%s', (name, launch) => {
  const stage = setStage(launch)

  test('a page that navigates away has left, at once', async () => {
    await using star = await startStar()
    const [page, client] = [await stage.open(), await joinClient(star)]
    const id = await page.call('join', { servers: [star.url], backoff: PATIENT })
    await untilPeers(client, 'the page', () => client.peers.has(id))
    await page.tab.goto(`${stage.site.origin}/elsewhere`)
    // Far less than a heartbeat takes.
    await untilPeers(client, 'its leave', () => !client.peers.has(id))
    await eventually('its session to end', () => star.server.stats().sessions === 1)
    // Firefox closes a page's WebSockets itself, before it tells the page that it goes.
    const reason = name === 'Firefox' ? 'transport closed' : 'client disconnect'
    expect(star.server.stats().closed).toEqual({ [reason]: 1 })
  })

  // Nothing tells a worker that its page goes. Firefox ends it; Chromium may freeze it together with the page.
  test('a dedicated worker of such a page has left by the next heartbeat, and is back with the page', async () => {
    await using star = await startStar({ heartbeat: { interval: 500, timeout: 2_000 } })
    const [page, client] = [await stage.open(), await joinClient(star)]
    const id = await page.worker('dedicated').call('join', { servers: [star.url] })
    await untilPeers(client, 'the worker', () => client.peers.has(id))
    await page.tab.goto(`${stage.site.origin}/elsewhere`)
    await untilPeers(client, 'its leave', () => !client.peers.has(id))
    if (name === 'Firefox') return
    await page.tab.goBack()
    await untilPeers(client, 'its return', () => client.peers.has(id))
  })

  // Firefox keeps no page that has a WebSocket: the user's way back loads it anew.
  test.skipIf(name === 'Firefox')('a page that is shown again joins again at once, as the same peer', async () => {
    await using star = await startStar()
    const [page, client] = [await stage.open(), await joinClient(star)]
    echoing(client)
    const id = await page.call('join', { servers: [star.url], backoff: PATIENT })
    await untilPeers(client, 'the page', () => client.peers.has(id))
    await page.tab.goto(`${stage.site.origin}/elsewhere`)
    await untilPeers(client, 'its leave', () => !client.peers.has(id))
    await page.tab.goBack()
    await untilPeers(client, 'its return', () => client.peers.has(id))
    await page.call('untilState', 'joined')
    expect(await page.call('states')).toEqual(['connecting', 'joined', 'waiting', 'connecting', 'joined'])
    await page.call('untilPeer', client.peerId)
    expect(await page.call('ask', client.peerId, 'hällo')).toBe('hällo')
  })

  test('a page that is loaded again is the same peer, if it keeps its key', async () => {
    await using star = await startStar()
    const [page, client] = [await stage.open(), await joinClient(star)]
    const id = await page.call('join', { servers: [star.url], keptKey: true })
    await page.tab.reload()
    expect(await page.call('join', { servers: [star.url], keptKey: true })).toBe(id)
    await page.call('echo')
    await untilPeers(client, 'the page', () => client.peers.has(id))
    expect(await roundTripText(await client.dial(id), 'hällo')).toBe('hällo')
    // Another page of the same origin without it is somebody else.
    const stranger = await stage.open()
    expect(await stranger.call('join', { servers: [star.url] })).not.toBe(id)
  })

  test('and takes over from itself where its goodbye did not get through', async () => {
    await using star = await startStar()
    await using proxy = await FaultProxy.open(star)
    const [page, client] = [await stage.open(), await joinClient(star)]
    const id = await page.call('join', { servers: [proxy.through(star.multiaddr)], keptKey: true })
    proxy.abandon()
    await page.tab.reload()
    expect(await page.call('join', { servers: [proxy.through(star.multiaddr)], keptKey: true })).toBe(id)
    // The server holds the old connection for open still.
    expect(star.server.stats()).toMatchObject({ sessions: 3, peers: 2, closed: {} })
    await page.call('echo')
    expect(await roundTripText(await client.dial(id), 'hällo')).toBe('hällo')
  })

  test('pages that ask for the kept key at the same time get the same one', async () => {
    const pages = await Promise.all([stage.open(), stage.open()])
    const callers = [...pages, ...pages.map((page) => page.worker('dedicated'))]
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      const ids = await Promise.all(callers.map((caller) => caller.call('keptPeerId', name)))
      expect(ids).toEqual(ids.map(() => ids[0]))
      expect(ids[0]).toMatch(/^12D3KooW/)
    }
  })

  // Without it, the page would count as joined until its heartbeat fails, after 85 seconds.
  test('a page whose device is back on another network leaves a connection that is dead, and joins again', async () => {
    await using star = await startStar()
    await using proxy = await FaultProxy.open(star)
    const [page, client] = [await stage.open(), await joinClient(star)]
    const id = await page.call('join', { servers: [proxy.through(star.url)] })
    await untilPeers(client, 'the page', () => client.peers.has(id))
    proxy.abandon()
    await page.evaluate(`dispatchEvent(new Event('online'))`)
    await within('the loss', page.call('untilState', 'waiting'), 50_000)
    await within('the return', page.call('untilState', 'joined'))
    await page.call('untilPeer', client.peerId)
    echoing(client)
    expect(await page.call('ask', client.peerId, 'hällo')).toBe('hällo')
    expect(await page.call('states')).toEqual(['connecting', 'joined', 'waiting', 'connecting', 'joined'])
  })

  test('a page whose device goes offline says so, and joins at once when it is online', async () => {
    await using star = await startStar()
    const page = await stage.open()
    await page.call('join', { servers: [star.url], backoff: PATIENT })
    await page.setOffline(true)
    await page.call('untilState', 'waiting')
    expect(await page.call('error')).toBe('ERR_SERVER_UNREACHABLE')
    await page.setOffline(false)
    await within('the page to join', page.call('untilState', 'joined'))
    expect(await page.call('states')).toEqual(['connecting', 'joined', 'waiting', 'connecting', 'joined'])
  })
})
