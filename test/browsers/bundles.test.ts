import { mkdtemp, rm } from 'node:fs/promises'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { startStar } from '../support/star.js'
import { echoing, joinClient } from '../support/star-client.js'
import { launchChromium, type Browser } from './support/browser.js'
import { BUNDLERS } from './support/bundlers.js'
import { packageOf, sizeOf } from './support/bundle-size.js'
import { startSite } from './support/site.js'

const KB = 1_000
/** What a page may have to load before it can join. */
const INITIAL = 60 * KB

/** What must not get into a page: what is there for Node. */
const NOT_FOR_PAGES = ['ws', 'bufferutil', 'xmlhttprequest-ssl', 'node-gyp-build', 'buffer', 'process', 'events']
const BUILTIN = new RegExp(`^(?:node:|.*browser-external|(?:${builtinModules.join('|')})$)`)

let browser: Browser
beforeAll(async () => {
  // Else bundlers take it from the test runner that this is none for production.
  vi.stubEnv('NODE_ENV', 'production')
  browser = await launchChromium()
  return async () => {
    vi.unstubAllEnvs()
    await browser[Symbol.asyncDispose]()
  }
})

test.each(BUNDLERS)('an application bundled with %s is small, has nothing of Node, and works', async (name, bundle) => {
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const { modules, complaints } = await bundle(folder)
  expect(complaints).toEqual([])
  const packages = new Set(modules.map(packageOf))
  expect(packages).toContain('@websocket-star/streams')
  expect(NOT_FOR_PAGES.filter((name) => packages.has(name))).toEqual([])
  expect(modules.filter((module) => BUILTIN.test(module))).toEqual([])

  await using star = await startStar()
  const client = await joinClient(star)
  echoing(client)
  await using site = await startSite({ folders: { '/app/': folder } })
  const page = await browser.open(`${site.origin}/app/index.html`)
  onTestFinished(() => page.close())
  expect(await page.evaluate(`ask('${star.url}', '${client.peerId}', 'hällo')`)).toBe('hällo')

  const scripts = site.requests.filter((path) => path.endsWith('.js'))
  const size = await sizeOf(scripts.map((path) => join(folder, path.slice('/app/'.length))))
  const lines = size.packages.map(([name, bytes]) => `  ${(bytes / KB).toFixed(1).padStart(6)} KB  ${name}`)
  console.log(
    [`${name}: ${(size.gzip / KB).toFixed(1)} KB gzip of ${(size.minified / KB).toFixed(1)} KB`, ...lines].join('\n')
  )
  expect(size.gzip).toBeLessThanOrEqual(INITIAL)
})
