import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, test } from 'vitest'
import { startStar } from '../support/star.js'
import { BROWSERS } from './support/browser.js'
import { say, serveByVite, untilShown } from './support/chat.js'
import { ROOT } from './support/site.js'
import { setStage } from './support/stage.js'

const CHAT = join(ROOT, 'examples/browser-chat')

/** What an installed example has, as its import map names it. */
const FOLDERS = {
  '/chat/node_modules/@websocket-star/client/': join(ROOT, 'packages/client'),
  '/chat/': CHAT
}

let servedByVite: string
beforeAll(async () => {
  const served = await serveByVite(CHAT)
  servedByVite = served.url
  return () => served[Symbol.asyncDispose]()
})

describe.each(BROWSERS)('the chat in %s', (name, launch) => {
  const stage = setStage(launch, { folders: FOLDERS })

  test.each([
    ['by Vite', () => servedByVite],
    ['without a bundler', () => `${stage.site.origin}/chat/index.html`]
  ])('served %s: what is typed in one tab is shown in the other', async (_how, urlOf) => {
    await using star = await startStar()
    const url = `${urlOf()}?server=${encodeURIComponent(star.url)}`
    const [alice, bob] = [await stage.openUrl(url), await stage.openUrl(url)]
    await Promise.all([untilShown(alice, '#others', '1'), untilShown(bob, '#others', '1')])
    await say(alice, 'Is anybody there?')
    await untilShown(bob, '#messages li', 'Is anybody there?')
    await say(bob, 'Ja: «ü» & <b>!')
    await untilShown(alice, '#messages li', 'Ja: «ü» & <b>!')
    await star.stop()
    await Promise.all([untilShown(alice, '#state', 'connecting'), untilShown(bob, '#state', 'connecting')])
    await star.restart()
    await Promise.all([untilShown(alice, '#others', '1'), untilShown(bob, '#others', '1')])
    await say(alice, 'And again?')
    await untilShown(bob, '#messages li', 'And again?')
    await bob.close()
    await untilShown(alice, '#others', '0')
  })

  // Not a test: SCREENSHOT=1 npx vitest run test/browsers/chat writes the image of the example's README.
  test.runIf(name === 'Chromium' && process.env['SCREENSHOT'] !== undefined)('its screenshot', async () => {
    await using star = await startStar()
    const url = `${stage.site.origin}/chat/index.html?server=${encodeURIComponent(star.url)}`
    const [alice, bob] = [await stage.openUrl(url), await stage.openUrl(url)]
    const tabs = [alice, bob]
    for (const { tab } of tabs) await tab.setViewport({ width: 480, height: 440, deviceScaleFactor: 2 })
    await Promise.all(tabs.map((page) => untilShown(page, '#others', '1')))
    const talk = [
      [alice, 'Hello! Is anybody there?'],
      [bob, 'Yes, in the tab next to yours.'],
      [alice, 'And nobody opened a port for that?'],
      [bob, 'Nobody. We both reach the star, and it passes on what we say.']
    ] as const
    for (const [page, text] of talk) {
      await say(page, text)
      for (const each of tabs) await untilShown(each, '#messages li', text)
    }
    const images: string[] = []
    for (const { tab } of tabs) {
      await tab.bringToFront()
      images.push(await tab.screenshot({ encoding: 'base64' }))
    }
    const both = await stage.open('/elsewhere')
    await both.tab.setViewport({ width: 1032, height: 488, deviceScaleFactor: 2 })
    await both.tab.setContent(`
      <style>
        body { display: flex; gap: 24px; margin: 0; padding: 24px; background: #d9dde5 }
        img { width: 480px; border-radius: 10px; box-shadow: 0 2px 10px #0003 }
      </style>
      ${images.map((image) => `<img src="data:image/png;base64,${image}" />`).join('')}`)
    await writeFile(join(CHAT, 'screenshot.png'), await both.tab.screenshot())
  })
})
