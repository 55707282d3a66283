import puppeteer, { type Browser, type LaunchOptions } from 'puppeteer-core'
import { browserExecutable, type BrowserName } from './executables.js'

const DEFAULTS: Readonly<Record<BrowserName, LaunchOptions>> = {
  chromium: {
    browser: 'chrome',
    // Else it tells the driver of every frame of every WebSocket, which takes more time than all the rest.
    networkEnabled: false,
    // What it does by itself in the background has no place in a test or a measurement.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync'
    ]
  },
  firefox: { browser: 'firefox' }
}

/**
 * Starts a browser, headless and with a profile of its own.
 *
 * @param options - arguments come on top of those it has anyway
 */
export function launchBrowser(name: BrowserName, { args = [], ...options }: LaunchOptions = {}): Promise<Browser> {
  const { args: always = [], ...defaults } = DEFAULTS[name]
  return puppeteer.launch({
    ...defaults,
    executablePath: browserExecutable(name),
    headless: true,
    args: [...always, ...args],
    ...options
  })
}
