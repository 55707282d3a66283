import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { onTestFinished } from 'vitest'
import type { Page } from './page.js'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
/** Milliseconds between two looks: what Preact changes is not all that the driver's look at mutations sees. */
const LOOK = 100

/** Waits until an expression is true in a page. */
export async function until({ tab }: Page, expression: string, timeout = 100_000): Promise<void> {
  try {
    await tab.waitForFunction(expression, { polling: LOOK, timeout })
  } catch (error) {
    const shown = await tab.evaluate('document.body.innerText')
    throw new Error(`It never was: ${expression}\nThe page:\n${String(shown)}`, { cause: error })
  }
}

/** Waits until an element is there, and clicks it. */
export async function click(page: Page, selector: string): Promise<void> {
  const found = `document.querySelector(${JSON.stringify(selector)})`
  await until(page, `${found} !== null`)
  // The driver's own click waits for frames, of which a tab in the background has none.
  await page.evaluate(`${found}.click()`)
}

export async function textOf(page: Page, selector: string): Promise<string> {
  return await page.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? ''`)
}

/** What axe finds that keeps people out: serious and critical. */
export async function barriersOf({ tab }: Page): Promise<string[]> {
  // As the driver's own script: the page's policy lets in none of others.
  const { readFile } = await import('node:fs/promises')
  await tab.evaluate(await readFile(AXE, 'utf8'))
  const found: unknown = await tab.evaluate(`axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
    violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => id + ': ' + nodes.map(({ html, failureSummary }) => html + ' ' + failureSummary).join(' | ')))`)
  return found as string[] // as the expression makes it
}

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'web-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A file of random bytes. @returns its path and SHA-256 */
export async function randomFile(
  folder: string,
  name: string,
  size: number
): Promise<{ path: string; digest: string }> {
  const path = join(folder, name)
  const hash = createHash('sha256')
  const part = Buffer.alloc(1_000_000)
  await pipeline(function* make() {
    for (let left = size; left > 0; left -= part.length) {
      // Each part is another one: what comes twice, or in another order, is noticed.
      const bytes = Buffer.from(randomFillSync(part).subarray(0, Math.min(left, part.length)))
      hash.update(bytes)
      yield bytes
    }
  }, createWriteStream(path))
  return { path, digest: hash.digest('hex') }
}

/** Waits until a file of that size was saved in a folder. @returns its SHA-256 */
export async function savedDigest(folder: string, size: number): Promise<string> {
  for (;;) {
    for (const name of await readdir(folder)) {
      const path = join(folder, name)
      if ((await stat(path).catch(() => undefined))?.size !== size || name.endsWith('.crdownload')) continue
      const hash = createHash('sha256')
      await pipeline(createReadStream(path), hash)
      return hash.digest('hex')
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK))
  }
}
