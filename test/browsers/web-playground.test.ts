import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@websocket-star/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { joinClient } from '../support/star-client.js'
import { startStar } from '../support/star.js'
import { launchChromium, launchFirefox } from './support/browser.js'
import { say } from './support/chat.js'
import { rendererMemoryOf } from './support/memory.js'
import type { Page } from './support/page.js'
import { setStage, type Stage } from './support/stage.js'
import { click, randomFile, savedDigest, temporaryFolder, textOf, until } from './support/web.js'

/** A name that leads to this machine, and that no browser takes for it. */
const HOST = 'star.test'
/** Beyond what the window of a stream lets a tab keep; far less than the file. */
const MEMORY = 60_000_000

/** Where browsers save files. */
const SAVED = mkdtempSync(join(tmpdir(), 'saved-'))
afterAll(() => rmSync(SAVED, { recursive: true }))

const BROWSERS = [
  [
    'Chromium',
    100_000_000,
    () =>
      launchChromium({
        args: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`],
        downloadBehavior: { policy: 'allow', downloadPath: SAVED }
      })
  ],
  [
    'Firefox',
    20_000_000,
    () =>
      launchFirefox({
        extraPrefsFirefox: {
          'network.dns.localDomains': HOST,
          'browser.download.folderList': 2,
          'browser.download.dir': SAVED,
          'browser.helperApps.neverAsk.saveToDisk': 'application/octet-stream',
          'browser.download.alwaysOpenPanel': false
        }
      })
  ]
] as const

const JOINED = `document.querySelector('.state')?.dataset.state === 'joined'`

/** Two tabs that have joined; the first has chosen to talk to the second. */
async function openTwo(stage: Stage, url: string): Promise<{ alice: Page; bob: Page; bobId: string }> {
  const [alice, bob] = [await stage.openUrl(`${url}/try`), await stage.openUrl(`${url}/try`)]
  await Promise.all([until(alice, JOINED), until(bob, JOINED)])
  const bobId = await idOf(bob)
  await click(alice, `[data-peer="${bobId}"]`)
  return { alice, bob, bobId }
}

function idOf(page: Page): Promise<string> {
  return page.evaluate(`document.querySelector('#own-id').title`)
}

async function untilSaid(page: Page, text: string): Promise<void> {
  await until(page, `document.querySelector('.log')?.textContent.includes(${JSON.stringify(text)})`)
}

/** The part of the last file that has come, or gone. */
function progressOf(page: Page): Promise<number> {
  return page.evaluate(`[...document.querySelectorAll('progress')].at(-1)?.value ?? 0`)
}

async function untilState(page: Page, state: string): Promise<void> {
  await until(page, `[...document.querySelectorAll('.transfer')].at(-1)?.dataset.state === '${state}'`)
}

async function offer(page: Page, path: string): Promise<void> {
  const input = await page.tab.waitForSelector('#files')
  await (input as unknown as { uploadFile(path: string): Promise<void> }).uploadFile(path) // that is an input
}

/** An expression for a button of the last file. */
function buttonOf(label: string): string {
  return `[...[...document.querySelectorAll('.transfer')].at(-1)?.querySelectorAll('button, a') ?? []]
    .find(({ textContent }) => textContent.trim().startsWith(${JSON.stringify(label)}))`
}

/** Presses a button of the last file. */
async function press(page: Page, label: string): Promise<void> {
  const button = buttonOf(label)
  await until(page, `${button} !== undefined`)
  await page.evaluate(`${button}.click()`)
}

/** Accepts the last file and pauses it as soon as the page can, before all of it can have arrived. */
async function acceptAndPause(page: Page): Promise<void> {
  await until(page, `${buttonOf('Accept')} !== undefined`)
  await page.evaluate(`new Promise((resolve) => {
    const accept = ${buttonOf('Accept')}
    const observer = new MutationObserver(() => {
      const pause = ${buttonOf('Pause')}
      if (pause === undefined) return
      observer.disconnect()
      pause.click()
      resolve()
    })
    observer.observe(document.body, { subtree: true, childList: true, characterData: true })
    accept.click()
  })`)
}

describe.each(BROWSERS)('the playground in %s', (name, size, launch) => {
  const stage = setStage(launch)

  test('two tabs chat and send a file; pausing it pauses the sender', async () => {
    await using star = await startStar()
    const folder = await temporaryFolder()
    const { alice, bob } = await openTwo(stage, star.url)
    const notice = `document.querySelector('.notice')`
    expect(await bob.evaluate(`${notice}.textContent`)).toContain('can read them')
    expect(await bob.evaluate(`${notice}.getBoundingClientRect().bottom <= innerHeight`)).toBe(true)
    await say(alice, 'Is anybody there?')
    await untilSaid(bob, 'Is anybody there?')
    await say(bob, 'Ja: «ü» & <b>!')
    await untilSaid(alice, 'Ja: «ü» & <b>!')

    const { path, digest } = await randomFile(folder, 'large.bin', size)
    const before = name === 'Chromium' ? await rendererMemoryOf(alice, bob) : 0
    await offer(alice, path)
    await until(bob, `document.querySelector('.transfer')?.textContent.includes('large.bin')`)
    expect(star.server.stats().relayed.bytes).toBeLessThan(10_000)
    await acceptAndPause(bob)
    await until(
      alice,
      `document.querySelector('.transfer').dataset.stalled === '' && document.querySelector('progress').value > 0`
    )
    expect(await textOf(alice, '.transfer-line')).toContain('is not reading')
    const paused = await progressOf(alice)
    expect(paused).toBeLessThan(1)
    expect(star.server.stats().relayed.bytes).toBeLessThan(size)
    await until(bob, `document.querySelector('.transfer-line').textContent.includes('paused by you')`)
    await press(bob, 'Resume')
    await until(alice, `(document.querySelector('progress')?.value ?? 1) > ${paused}`)
    await Promise.all([untilState(alice, 'done'), untilState(bob, 'done')])
    if (name === 'Chromium') {
      const isGivenBack = async (): Promise<boolean> => (await rendererMemoryOf(alice, bob)) - before < MEMORY
      await eventually('the memory of the file to be given back', isGivenBack)
    }

    await press(bob, 'Save')
    expect(await savedDigest(SAVED, size)).toBe(digest)
  })

  test('a file is refused, or stopped by either side', async () => {
    await using star = await startStar()
    const folder = await temporaryFolder()
    const { alice, bob } = await openTwo(stage, star.url)
    const { path } = await randomFile(folder, 'file.bin', 30_000_000)
    await offer(alice, path)
    await press(bob, 'Refuse')
    await untilState(alice, 'refused')
    expect(star.server.stats().relayed.bytes).toBeLessThan(10_000)
    for (const [stopper, other] of [
      [alice, bob],
      [bob, alice]
    ] as const) {
      await offer(alice, path)
      await untilState(bob, 'offered')
      await acceptAndPause(bob)
      await press(stopper, 'Stop')
      await Promise.all([untilState(stopper, 'stopped'), untilState(other, 'stopped')])
    }
    await expect.poll(() => star.server.stats().streams).toBe(2)
  })

  test('a restarted server is told of and come back to, a reload keeps the key', async () => {
    await using star = await startStar()
    const { alice, bob, bobId } = await openTwo(stage, star.url)
    await say(alice, 'Before')
    await untilSaid(bob, 'Before')
    await star.stop()
    for (const page of [alice, bob]) {
      await until(page, `document.querySelector('.state').textContent.startsWith('Not connected')`)
    }
    await star.restart()
    await Promise.all([until(alice, JOINED), until(bob, JOINED)])
    await until(alice, `document.querySelector('[data-peer="${bobId}"]')?.dataset.online === ''`)
    await say(alice, 'After')
    await untilSaid(bob, 'After')
    await bob.tab.reload()
    await until(bob, JOINED)
    expect(await idOf(bob)).toBe(bobId)
    await bob.close()
    await until(alice, `document.querySelector('[data-peer="${bobId}"]')?.dataset.online === undefined`)
  })

  test('works in pages that came over plain HTTP, as on a phone', async () => {
    await using star = await startStar()
    const { alice, bob } = await openTwo(stage, `http://${HOST}:${star.port}`)
    expect(await alice.evaluate('[isSecureContext, typeof crypto.subtle]')).toEqual([false, 'undefined'])
    const { path } = await randomFile(await temporaryFolder(), 'small.bin', 1_000_000)
    await offer(alice, path)
    await press(bob, 'Accept')
    await Promise.all([untilState(alice, 'done'), untilState(bob, 'done')])
  })
})

test('a peer that is no playground is told from one', async () => {
  await using star = await startStar()
  await using browser = await launchChromium()
  const page = await browser.open(`${star.url}/try`)
  const peer = await joinClient(star)
  peer.handle(async ({ writable }) => {
    const writer = writable.getWriter()
    await writer.write(new TextEncoder().encode('HTTP/1.1 400 Bad Request'))
  })
  await click(page, `[data-peer="${peer.peerId}"]`)
  await say(page, 'Is anybody there?')
  await untilSaid(page, 'Not delivered')
})
