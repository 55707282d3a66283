import { LocalBackplane, LocalStar, createRendezvous, type Rendezvous } from '@websocket-star/rendezvous'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LegacyNode } from '../support/legacy.js'
import { accepting, joinClient, writeRandom } from '../support/star-client.js'
import { startStar, type Star } from '../support/star.js'
import { BROWSERS, launchChromium } from './support/browser.js'
import type { Page } from './support/page.js'
import { setStage } from './support/stage.js'
import { barriersOf, click, textOf, until } from './support/web.js'

const adminToken = 'a token for tests'

/** Figures of the page, by the metric that has the same. */
const FIGURES: Readonly<Record<string, string>> = {
  rendezvous_peers: '.strip[data-name=peers]',
  rendezvous_streams: '.strip[data-name=streams]',
  rendezvous_sessions: '.totals [data-name=sessions]',
  rendezvous_relayed_bytes_total: '.totals [data-name=bytes]',
  rendezvous_joins_total_success: '.totals [data-name=joins]',
  rendezvous_joins_total_failure: '.totals [data-name=join-failures]',
  rendezvous_dials_total_success: '.totals [data-name=dials]',
  rendezvous_dials_total_failure: '.totals [data-name=dial-failures]',
  rendezvous_refused_total: '.tally[data-kind=refused] h3',
  rendezvous_closed_total: '.tally[data-kind=closed] h3',
  rendezvous_stream_resets_total: '.tally[data-kind=reset] h3',
  rendezvous_dropped_total: '.tally[data-kind=dropped] h3',
  rendezvous_paused_total: '.tally[data-kind=paused] h3'
}

async function figuresOf(page: Page): Promise<Record<string, number>> {
  return await page.evaluate(`Object.fromEntries(Object.entries(${JSON.stringify(FIGURES)}).map(([name, place]) =>
    [name, Number(document.querySelector(place + ' data')?.value)]))`)
}

/** The same of `/metrics`, over all reasons. */
async function metricsOf(star: Star): Promise<Record<string, number>> {
  const text = await (await fetch(`${star.url}/metrics`)).text()
  const sumOf = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
      (sum, [, value]) => sum + Number(value),
      0
    )
  return Object.fromEntries(Object.keys(FIGURES).map((name) => [name, sumOf(name)]))
}

/** Waits until the page shows what the server counts, which it does a second later. */
async function untilSame(page: Page, star: Star, what: Readonly<Record<string, number>>): Promise<void> {
  await expect
    .poll(async () => {
      const [shown, counted] = await Promise.all([figuresOf(page), metricsOf(star)])
      return { isSame: JSON.stringify(shown) === JSON.stringify(counted), shown }
    })
    .toMatchObject({ isSame: true, shown: what })
}

describe.each(BROWSERS)('the status page in %s', (_name, launch) => {
  const stage = setStage(launch)

  test('shows what the server counts while clients come and go, and says when the server is away', async () => {
    await using star = await startStar()
    const page = await stage.openUrl(star.url)
    await until(page, `document.querySelector('.state').textContent === 'Running'`)
    expect(await textOf(page, 'output')).toBe(star.multiaddr)
    const alice = await joinClient(star)
    const bob = await joinClient(star)
    {
      await using legacy = await LegacyNode.create({ star: star.multiaddr, name: 'legacy' })
      await legacy.listen()
      await untilSame(page, star, { rendezvous_peers: 3, rendezvous_joins_total_success: 3 })
      const accepted = accepting(bob)
      const connection = await alice.dial(bob.peerId)
      const far = await accepted.next()
      await Promise.all([writeRandom(connection.writable, 1_000_000), readToEnd(far.readable)])
      await alice.dial('12D3KooWNvSZnPi3RrhrTwEY4LuuBeB6K6facKUCJcyWG1aoDd2p').catch(() => {})
      await untilSame(page, star, { rendezvous_relayed_bytes_total: 1_000_000, rendezvous_refused_total: 1 })
      expect(await textOf(page, '.tally[data-kind=refused] dl')).toContain('peer not found')
      await legacy.close()
    }
    await bob.close()
    await untilSame(page, star, { rendezvous_peers: 1, rendezvous_sessions: 1 })

    await star.stop()
    await until(page, `document.querySelector('.state').textContent.startsWith('Server unreachable')`)
    await star.restart()
    await until(page, `document.querySelector('.state').textContent === 'Running'`)
    await untilSame(page, star, { rendezvous_relayed_bytes_total: 0, rendezvous_peers: 1 })
  })

  test('lists and disconnects peers for those who have the token', async () => {
    await using star = await startStar({ adminToken })
    const client = await joinClient(star)
    const page = await stage.openUrl(star.url)
    await until(page, `document.querySelector('.state').textContent === 'Running'`)
    expect(await page.evaluate(`document.body.textContent`)).not.toContain(client.peerId)
    const unlock = async (token: string): Promise<void> => {
      await until(page, `document.querySelector('#token') !== null`)
      await page.tab.bringToFront()
      await page.tab.type('#token', token)
      await page.tab.keyboard.press('Enter')
    }
    await unlock('not the token')
    await until(page, `document.querySelector('[role=alert]')?.textContent.includes('Wrong admin token')`)
    await unlock(adminToken)
    await until(page, `document.querySelector('.peers')?.textContent.includes('${client.peerId}')`)
    await page.tab.reload()
    await click(page, '.peers .danger')
    await until(page, `document.querySelector('.tally[data-kind=closed] dl')?.textContent.includes('operator')`)
    expect(await page.evaluate('document.cookie + location.href + JSON.stringify(localStorage)')).not.toContain(
      adminToken
    )
    await click(page, '.operator > .row > .danger')
    await click(page, 'dialog .danger')
    await until(page, `/^(Draining|Server unreachable)/.test(document.querySelector('.state').textContent)`)
    await until(page, `document.querySelector('.state').textContent.startsWith('Server unreachable')`)
  })
})

describe('in Chromium the status page', () => {
  const stage = setStage(launchChromium)

  test('cancels a drain', async () => {
    await using star = await startStar({ adminToken, drainTimeout: 120_000 })
    const [alice, bob] = [await joinClient(star), await joinClient(star)]
    const accepted = accepting(bob)
    await alice.dial(bob.peerId)
    await accepted.next()
    const page = await stage.openUrl(star.url)
    await until(page, `document.querySelector('#token') !== null`)
    await page.tab.bringToFront()
    await page.tab.type('#token', adminToken)
    await page.tab.keyboard.press('Enter')
    await click(page, '.operator > .row > .danger')
    await click(page, 'dialog .danger')
    await until(page, `document.querySelector('.state').textContent.startsWith('Draining')`)
    await click(page, '.operator > .row > button')
    await until(page, `document.querySelector('.state').textContent === 'Running'`)
    expect((await fetch(`${star.url}/ready`)).status).toBe(200)
  })

  test('shows the nodes of a star that has several, and their names to operators', async () => {
    const shared = new LocalStar()
    const [amsterdam, lisbon] = ['amsterdam', 'lisbon'].map((node) =>
      createRendezvous({ host: '127.0.0.1', port: 0, adminToken, backplane: new LocalBackplane(shared, node) })
    ) as [Rendezvous, Rendezvous] // as many as names
    for (const node of [amsterdam, lisbon]) {
      await node.start()
      onTestFinished(() => node.stop())
    }
    const page = await stage.openUrl(amsterdam.address().url)
    await until(page, `document.querySelectorAll('.nodes tbody tr').length === 2`)
    expect(await page.evaluate('document.body.textContent')).not.toMatch(/amsterdam|lisbon|version/)
    await page.tab.bringToFront()
    await page.tab.type('#token', adminToken)
    await page.tab.keyboard.press('Enter')
    await until(
      page,
      `['amsterdam', 'lisbon'].every((node) => document.querySelector('.nodes')?.textContent.includes(node))`
    )
    expect(await textOf(page, '.state-line')).toMatch(/version \d+\.\d+\.\d+ · up /)
    await lisbon.stop()
    await until(page, `!document.querySelector('.nodes').textContent.includes('lisbon')`)
  })

  test('shows its address without a script', async () => {
    await using star = await startStar()
    const page = await stage.open('/elsewhere')
    await page.tab.setJavaScriptEnabled(false)
    await page.tab.goto(star.url)
    await page.tab.waitForSelector('output')
    const [output] = await page.tab.$$eval('output', (elements) => elements.map(({ textContent }) => textContent))
    expect(output).toBe(star.multiaddr)
  })

  test('asks nobody but its server for anything, and runs nothing else', async () => {
    await using star = await startStar()
    await using other = await startStar()
    for (const path of ['/', '/try']) {
      const page = await stage.open('/elsewhere')
      await page.tab.evaluateOnNewDocument(`
        globalThis.violations = []
        addEventListener('securitypolicyviolation', ({ violatedDirective }) => violations.push(violatedDirective))`)
      await page.tab.goto(star.url + path)
      await until(page, `document.querySelector('.state')?.dataset.tone === 'good'`)
      const asked: string[] = await page.evaluate(`performance.getEntriesByType('resource').map(({ name }) => name)`)
      expect(asked.length).toBeGreaterThan(2)
      for (const url of asked) expect(new URL(url).host).toBe(`127.0.0.1:${star.port}`)
      expect(await page.evaluate('violations')).toEqual([])
      await page.evaluate(`{
        const script = document.createElement('script')
        script.textContent = 'globalThis.intruder = true'
        document.body.append(script)
        const image = document.createElement('img')
        image.setAttribute('onerror', 'globalThis.intruder = true')
        image.src = '/nothing'
        document.body.append(image)
      }`)
      expect(await page.evaluate(`fetch('${other.url}/health').then(() => 'let out', () => 'kept in')`)).toBe('kept in')
      await until(page, `violations.includes('script-src-elem') && violations.includes('connect-src')`)
      expect(await page.evaluate('typeof intruder')).toBe('undefined')
    }
  })

  test.each(['light', 'dark'])('and the playground keep nobody out: %s', async (scheme) => {
    await using star = await startStar({ adminToken })
    await joinClient(star)
    for (const path of ['/', '/try']) {
      const page = await stage.openUrl(star.url + path)
      await page.tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
      await until(page, `document.querySelector('.state')?.dataset.tone === 'good'`)
      if (path === '/') {
        await page.evaluate(`sessionStorage.setItem('websocket-star admin token', '${adminToken}')`)
        await page.tab.reload()
        await until(page, `document.querySelector('.peers') !== null`)
      } else await click(page, '[data-peer]')
      expect(await barriersOf(page)).toEqual([])
    }
  })
})

async function readToEnd(readable: ReadableStream<Uint8Array>): Promise<void> {
  for await (const _ of readable);
}
