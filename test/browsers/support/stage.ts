import { beforeAll, onTestFinished } from 'vitest'
import type { Browser } from './browser.js'
import type { Page } from './page.js'
import { startSite, type Site, type SiteOptions } from './site.js'

/** A browser and a site, started once for the tests of a group. */
export interface Stage {
  readonly site: Site
  /** Opens a tab that closes with the test; the host is one that the browser takes for this machine. */
  open(path?: string, host?: string): Promise<Page>
  /** The same for a page that somebody else serves. */
  openUrl(url: string): Promise<Page>
}

export function setStage(launch: () => Promise<Browser>, options?: SiteOptions): Stage {
  let browser: Browser
  let site: Site
  beforeAll(async () => {
    ;[site, browser] = await Promise.all([startSite(options), launch()])
    return async () => {
      await browser[Symbol.asyncDispose]()
      await site[Symbol.asyncDispose]()
    }
  })

  async function openUrl(url: string): Promise<Page> {
    const page = await browser.open(url)
    onTestFinished(() => page.close())
    return page
  }

  return {
    get site() {
      return site
    },
    open: (path = '/', host = '127.0.0.1') => openUrl(`http://${host}:${site.port}${path}`),
    openUrl
  }
}
