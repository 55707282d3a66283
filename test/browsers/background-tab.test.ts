import { eventually, FaultProxy } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import { joinClient, roundTripText, untilPeers } from '../support/star-client.js'
import { launchChromium } from './support/browser.js'
import type { Page } from './support/page.js'
import { setStage } from './support/stage.js'
import { Digest, digestOf, type Received } from './pages/random-bytes.js'

const MB = 1_000_000

/** What drivers add so that tabs in the background are no different: the opposite of what is wanted here. */
const UNTHROTTLED = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding'
]
/** From now on, and not after five minutes, timers of a hidden page run once a minute. */
const ONCE_A_MINUTE = '--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/1'

/**
 * The server waits 2 seconds for an answer to its ping in place of 60, so that a page that answered by a timer would lose
 * its session within seconds. By default a session outlives 60 seconds of silence; a tab that is frozen for longer is in
 * the case of the last test.
 */
const HEARTBEAT = { interval: 500, timeout: 2_000 }
/** So long that a client that comes back in this test did not come back by waiting. */
const PATIENT = { initial: 600_000, max: 600_000 }

async function receive(readable: ReadableStream<Uint8Array>): Promise<Received> {
  const digest = new Digest()
  for await (const piece of readable) digest.add(piece)
  return { bytes: digest.bytes, digest: digest.toString() }
}

describe('a tab of Chromium in the background', () => {
  const stage = setStage(() => launchChromium({ ignoreDefaultArgs: UNTHROTTLED, args: [ONCE_A_MINUTE] }))

  /** Puts another tab in front, and waits until the page's timers have been silent for longer than the server waits. */
  async function hide(page: Page): Promise<void> {
    const front = await stage.open('/elsewhere')
    await front.tab.bringToFront()
    await page.evaluate(`(function tick() {
      globalThis.ticked = performance.now()
      setTimeout(tick, 50)
    })()`)
    const silence = HEARTBEAT.interval + HEARTBEAT.timeout + 500
    await eventually('the timers of a hidden page to be slow', () =>
      page.evaluate(`document.visibilityState === 'hidden' && performance.now() - ticked > ${silence}`)
    )
  }

  test('keeps its session, answers, and sends without waiting for its timers', async () => {
    await using star = await startStar({ heartbeat: HEARTBEAT })
    await using link = await FaultProxy.open(star, { rate: 20_000_000 })
    // With so large a window it grants nothing before it has a MiB of one connection.
    const [page, client] = [await stage.open(), await joinClient(star, { window: { initial: 4_194_304 } })]
    const received: Promise<Received>[] = []
    client.handle(async ({ readable, writable }) => {
      received.push(receive(readable))
      // What goes wrong is told below.
      received.at(-1)?.catch(() => {})
      await writable.close()
    })
    const id = await page.call('join', { servers: [link.through(star.url)], backoff: PATIENT })
    await page.call('untilPeer', client.peerId)
    await page.call('echo')
    await hide(page)
    expect(await roundTripText(await client.dial(id), 'hällo')).toBe('hällo')

    // More than the socket of a page that is looked at is given at once; no word of the reader has it look for room.
    const seeds = Array.from({ length: 12 }, (_, index) => index + 1)
    await Promise.all(seeds.map(async (seed) => page.call('send', await page.call('dial', client.peerId), seed, MB)))
    const digests = (await Promise.all(received)).map(({ digest }) => digest)
    expect(digests.toSorted()).toEqual(seeds.map((seed) => digestOf(seed, MB).digest).toSorted())
    expect(await page.call('states')).toEqual(['connecting', 'joined'])
    expect(star.server.stats().closed).toEqual({})

    // It notices that its server is gone, and is there again as soon as somebody looks at it.
    await star.restart()
    await page.call('untilState', 'waiting')
    await page.tab.bringToFront()
    await page.call('untilState', 'joined')
    expect(await page.call('states')).toEqual(['connecting', 'joined', 'waiting', 'connecting', 'joined'])
  })

  test('that is frozen for too long has left, and joins again when it is thawed', async () => {
    await using star = await startStar({ heartbeat: HEARTBEAT })
    const [page, client] = [await stage.open(), await joinClient(star)]
    const id = await page.call('join', { servers: [star.url] })
    await untilPeers(client, 'the page', () => client.peers.has(id))
    const front = await stage.open('/elsewhere')
    await front.tab.bringToFront()
    const devtools = await page.tab.createCDPSession()
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
    await untilPeers(client, 'its leave', () => !client.peers.has(id))
    expect(star.server.stats().closed).toEqual({ 'heartbeat timeout': 1 })
    await devtools.send('Page.setWebLifecycleState', { state: 'active' })
    await page.tab.bringToFront()
    await untilPeers(client, 'its return', () => client.peers.has(id))
    expect(await page.call('states')).toEqual(['connecting', 'joined', 'waiting', 'connecting', 'joined'])
  })
})
