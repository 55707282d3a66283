import { launchBrowser, type BrowserName } from '@websocket-star/testkit/browsers'
import type { Browser as PuppeteerBrowser, LaunchOptions } from 'puppeteer-core'
import { Page } from './page.js'

/** Milliseconds that a page may take for whatever is waited for: generous for a busy machine. */
const PATIENCE = 100_000

/** A browser with a profile of its own; its tabs share cookies, databases and shared workers. */
export class Browser implements AsyncDisposable {
  readonly #name: BrowserName
  readonly #browser: PuppeteerBrowser

  constructor(name: BrowserName, browser: PuppeteerBrowser) {
    this.#name = name
    this.#browser = browser
  }

  async open(url: string): Promise<Page> {
    const tab = await this.#browser.newPage()
    tab.setDefaultTimeout(PATIENCE)
    await tab.goto(url)
    return new Page(tab, this.#name)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close()
  }
}

/** Driven over its DevTools protocol. */
export async function launchChromium(options?: LaunchOptions): Promise<Browser> {
  return new Browser('chromium', await launchBrowser('chromium', options))
}

/** Driven over WebDriver BiDi. */
export async function launchFirefox(options?: LaunchOptions): Promise<Browser> {
  return new Browser('firefox', await launchBrowser('firefox', options))
}

/** For `describe.each`. */
export const BROWSERS = [
  ['Chromium', launchChromium],
  ['Firefox', launchFirefox]
] as const
