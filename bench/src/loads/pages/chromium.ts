import { accessSync, constants } from 'node:fs'
import puppeteer, { type Browser } from 'puppeteer-core'
import { UsageError } from '../../harness/options.js'

const DEFAULT = '/usr/bin/chromium'

/** What Chromium does by itself in the background has no place in a measurement. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** Milliseconds that a page may take to answer. */
const ANSWER_TIMEOUT = 120_000

/** @throws {UsageError} that says how to name one, if there is none */
export function chromiumExecutable(): string {
  const path = process.env['CHROMIUM'] || DEFAULT
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch (cause) {
    const message = `bench pages needs Chromium, and ${path} cannot be run: name the executable by CHROMIUM=<path>`
    throw new UsageError(message, { cause })
  }
}

/** Headless, and with a profile of its own. */
export function launchChromium(): Promise<Browser> {
  return puppeteer.launch({
    browser: 'chrome',
    executablePath: chromiumExecutable(),
    headless: true,
    // Else it tells of every frame of every WebSocket, which takes more time than the transfer.
    networkEnabled: false,
    // It ends with the process that started it, however that ends.
    pipe: true,
    protocolTimeout: ANSWER_TIMEOUT,
    args: ARGUMENTS
  })
}
