import type { PeerContender } from '../peers/contender.js'
import { launchChromium } from './chromium.js'
import type { PageLibrary } from './page.js'
import { RemotePage } from './remote-page.js'
import { startSite } from './site.js'

/** A library that the pages bring along, and the server that they meet at. */
export interface PageContender extends Required<Pick<PeerContender, 'title' | 'server'>> {
  library: PageLibrary
}

/** A browser of a trial, and the pages it is to show. */
export interface Stage {
  /** In a window of its own: a tab behind another one would run with less priority. */
  open(): Promise<RemotePage>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const [site, browser] = await Promise.all([startSite(), launchChromium()])
  return {
    open: async () => {
      const page = new RemotePage(await browser.newPage({ type: 'window' }))
      await page.load(site.url)
      return page
    },
    close: async () => {
      await browser.close()
      site.close()
    }
  }
}
