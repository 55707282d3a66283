import puppeteer, { type Browser as PuppeteerBrowser, type LaunchOptions } from 'puppeteer-core'
import { browserExecutable, type BrowserName } from './executables.js'
import { Page } from './page.js'

/** Milliseconds that a page may take for whatever is waited for: generous for a busy machine. */
const PATIENCE = 100_000

/** What Chromium does by itself in the background has no place in a test. */
const CHROMIUM_ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

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

export interface ChromiumOptions extends Pick<LaunchOptions, 'defaultViewport' | 'downloadBehavior'> {
  args?: readonly string[]
  /** Of those that the driver adds, the ones to leave out. */
  without?: readonly string[]
}

/**
 * Driven over its DevTools protocol.
 *
 * Not by playwright, which has Chromium tell it of every frame of every WebSocket: that takes more time than all the
 * rest, two thirds of the rate between two pages.
 */
export async function launchChromium({ args = [], without = [], ...options }: ChromiumOptions = {}): Promise<Browser> {
  const browser = await puppeteer.launch({
    browser: 'chrome',
    executablePath: browserExecutable('chromium'),
    headless: true,
    networkEnabled: false,
    args: [...CHROMIUM_ARGUMENTS, ...args],
    ignoreDefaultArgs: [...without],
    ...options
  })
  return new Browser('chromium', browser)
}

export interface FirefoxOptions {
  /** Preferences, as about:config names them. */
  preferences?: Readonly<Record<string, unknown>>
}

/** Driven over WebDriver BiDi. */
export async function launchFirefox({ preferences = {} }: FirefoxOptions = {}): Promise<Browser> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: browserExecutable('firefox'),
    headless: true,
    extraPrefsFirefox: preferences
  })
  return new Browser('firefox', browser)
}

/** For `describe.each`. */
export const BROWSERS = [
  ['Chromium', launchChromium],
  ['Firefox', launchFirefox]
] as const
