import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'vite'
import type { Page } from './page.js'

/** Types a line into the page of a chat. */
export async function say({ tab }: Page, text: string): Promise<void> {
  await tab.bringToFront()
  await tab.type('#text', text)
  await tab.keyboard.press('Enter')
}

/** Waits until one of the elements has a text. */
export async function untilShown({ tab }: Page, selector: string, text: string): Promise<void> {
  const elements = `[...document.querySelectorAll(${JSON.stringify(selector)})]`
  const isShown = `${elements}.some(({ textContent }) => textContent.includes(${JSON.stringify(text)}))`
  // In a tab that is not in front no frames are drawn, by which the driver would look otherwise.
  await tab.waitForFunction(isShown, { polling: 'mutation' })
}

export interface Served extends AsyncDisposable {
  readonly url: string
}

/** Serves an example as its `npm start` does. */
export async function serveByVite(root: string): Promise<Served> {
  const cacheDir = await mkdtemp(join(tmpdir(), 'vite-'))
  const vite = await createServer({
    root,
    cacheDir,
    configFile: false,
    logLevel: 'silent',
    server: { host: '127.0.0.1', port: 0 }
  })
  await vite.listen()
  return {
    url: String(vite.resolvedUrls?.local[0]),
    async [Symbol.asyncDispose]() {
      await vite.close()
      await rm(cacheDir, { recursive: true })
    }
  }
}
