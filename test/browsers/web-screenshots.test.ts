import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LocalBackplane, LocalStar, createRendezvous } from '@websocket-star/rendezvous'
import type { StarClient } from '@websocket-star/client'
import { FaultProxy } from '@websocket-star/testkit'
import { describe, onTestFinished, test } from 'vitest'
import { LegacyNode } from '../support/legacy.js'
import { joinClient } from '../support/star-client.js'
import { startStar, type Star } from '../support/star.js'
import { launchChromium } from './support/browser.js'
import { say } from './support/chat.js'
import type { Page } from './support/page.js'
import { ROOT } from './support/site.js'
import { setStage, type Stage } from './support/stage.js'
import { click, randomFile, temporaryFolder, until } from './support/web.js'

const IMAGES = join(ROOT, 'docs/images')
const adminToken = 'a token for pictures'
/** Milliseconds of traffic that the charts show. */
const TRAFFIC = 75_000

const LOOKS = [
  ['light', 1180, 'light'],
  ['dark', 1180, 'dark'],
  ['phone', 390, 'light']
] as const

// Not tests: `npm run screenshots` writes docs/images.
describe.runIf(process.env['SCREENSHOTS'] !== undefined)('pictures', () => {
  const stage = setStage(launchChromium)

  test('of the status page', { timeout: TRAFFIC + 60_000 }, async () => {
    const shared = new LocalStar()
    const nodes = ['amsterdam', 'lisbon'].map((node) =>
      createRendezvous({ host: '127.0.0.1', port: 0, adminToken, backplane: new LocalBackplane(shared, node) })
    )
    for (const node of nodes) {
      await node.start()
      onTestFinished(() => node.stop())
    }
    const [url = '', other = ''] = nodes.map((node) => node.address().url)
    const stop = await makeTraffic(url, other)
    await new Promise((resolve) => setTimeout(resolve, TRAFFIC))
    for (const [name, width, scheme] of LOOKS) {
      const page = await openIn(stage, url, width, scheme)
      if (name !== 'phone') {
        await page.evaluate(`sessionStorage.setItem('websocket-star admin token', '${adminToken}')`)
        await page.tab.reload()
        await until(page, `document.querySelector('.peers .number')?.textContent !== undefined`)
        await click(page, '.peers [aria-expanded]')
      }
      // Two looks at the peers, between which their rates are measured.
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      await shoot(page, `status-${name}`, true)
    }
    stop()
  })

  test('of the playground', { timeout: 120_000 }, async () => {
    await using star = await startStar()
    const folder = await temporaryFolder()
    const { path } = await randomFile(folder, 'holiday.mp4', 40_000_000)
    for (const [name, width, scheme] of LOOKS) {
      await using link = await FaultProxy.open(star, { rate: 4_000_000 })
      const tabs = [
        await openIn(stage, `${link.through(star.url)}/try`, name === 'phone' ? 390 : 560, scheme),
        await openIn(stage, `${star.url}/try`, name === 'phone' ? 390 : 560, scheme)
      ] as const
      await converse(...tabs, path)
      const [alice, bob] = tabs
      if (name === 'light') await shootTwo(stage, tabs, 'playground-two-tabs')
      if (name === 'dark') {
        await click(bob, '[aria-pressed]')
        await until(alice, `document.querySelector('.transfer').dataset.stalled === ''`)
      }
      await alice.tab.setViewport({ width, height: name === 'phone' ? 760 : 620 })
      await shoot(alice, `playground-${name}`)
      if (name === 'phone') {
        await click(bob, '.back')
        await shoot(bob, 'playground-phone-peers')
      }
      for (const page of tabs) await page.close()
    }
  })
})

async function openIn(stage: Stage, url: string, width: number, scheme: string): Promise<Page> {
  const page = await stage.open('/elsewhere')
  await page.tab.setViewport({ width, height: width < 600 ? 760 : 620 })
  await page.tab.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
  await page.tab.goto(url)
  await until(page, `document.querySelector('.state')?.dataset.tone === 'good'`)
  return page
}

async function shoot({ tab }: Page, name: string, fullPage = false): Promise<void> {
  await tab.bringToFront()
  await mkdir(IMAGES, { recursive: true })
  await writeFile(join(IMAGES, `${name}.png`), await tab.screenshot({ fullPage }))
}

/** Both tabs in one picture, side by side. */
async function shootTwo(stage: Stage, tabs: readonly Page[], name: string): Promise<void> {
  const images: string[] = []
  for (const { tab } of tabs) {
    await tab.setViewport({ width: 560, height: 480, deviceScaleFactor: 1.5 })
    await tab.bringToFront()
    images.push(await tab.screenshot({ encoding: 'base64' }))
  }
  const both = await stage.open('/elsewhere')
  await both.tab.setViewport({ width: 1_192, height: 528, deviceScaleFactor: 1.5 })
  await both.tab.setContent(`
    <style>
      body { display: flex; gap: 24px; margin: 0; padding: 24px; background: #cfd3cc }
      img { width: 560px; border-radius: 8px; box-shadow: 0 2px 12px #0004 }
    </style>
    ${images.map((image) => `<img src="data:image/png;base64,${image}" />`).join('')}`)
  await shoot(both, name)
}

/** A few words, and a file that is on its way. */
async function converse(alice: Page, bob: Page, path: string): Promise<void> {
  const [aliceId, bobId] = [await idOf(alice), await idOf(bob)]
  await click(alice, `[data-peer="${bobId}"]`)
  await click(bob, `[data-peer="${aliceId}"]`)
  const talk = [
    [alice, bob, 'Hello! Is anybody there?'],
    [bob, alice, 'Yes, in the tab next to yours.'],
    [alice, bob, 'I have the film of the holidays for you.']
  ] as const
  for (const [from, to, text] of talk) {
    await say(from, text)
    await until(to, `document.querySelector('.log').textContent.includes(${JSON.stringify(text)})`)
  }
  const input = await alice.tab.waitForSelector('input#files')
  await input?.uploadFile(path)
  await click(bob, '.transfer .main')
  await until(bob, `document.querySelector('progress')?.value > 0.3`)
}

function idOf(page: Page): Promise<string> {
  return page.evaluate(`document.querySelector('#own-id').title`)
}

/** Peers that come, talk, and go, on two nodes. @returns what ends it */
async function makeTraffic(url: string, other: string): Promise<() => void> {
  const clients = await Promise.all(Array.from({ length: 11 }, (_, index) => joinClient(index < 8 ? url : other)))
  const star: Pick<Star, 'multiaddr'> = { multiaddr: `/ip4/127.0.0.1/tcp/${new URL(url).port}/ws/p2p-websocket-star` }
  const legacy = await LegacyNode.create({ star: star.multiaddr, name: 'legacy' })
  await legacy.listen()
  onTestFinished(() => legacy.close())
  for (const client of clients) client.handle(({ readable, writable }) => readable.pipeTo(writable).catch(() => {}))
  const over = new AbortController()
  const pump = async (from: StarClient, to: string, rate: (second: number) => number): Promise<void> => {
    const { readable, writable } = await from.dial(to)
    void readable.pipeTo(new WritableStream()).catch(() => {})
    const writer = writable.getWriter()
    for (let second = 0; !over.signal.aborted; second += 0.1) {
      await writer.write(new Uint8Array(Math.max(1, rate(second) / 10)))
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const wave = (second: number): number => 3_000_000 * (1 + Math.sin(second / 6)) + Math.random() * 800_000
  const [a, b, c, d, , , , , e] = clients
  for (const [from, to, rate] of [
    [a, b, wave],
    [c, d, () => 400_000],
    [c, e, () => 900_000]
  ] as const) {
    if (from !== undefined && to !== undefined) pump(from, to.peerId, rate).catch(() => {})
  }
  const visit = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const visitor = await joinClient(url)
      await visitor.dial(clients[5]?.peerId ?? '').catch(() => {})
      await visitor.dial('12D3KooWNvSZnPi3RrhrTwEY4LuuBeB6K6facKUCJcyWG1aoDd2p').catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 1_000 + Math.random() * 4_000))
      await visitor.close()
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 3_000))
    }
  }
  visit().catch(() => {})
  visit().catch(() => {})
  return () => over.abort()
}
