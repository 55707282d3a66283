import { launchBrowser } from '@websocket-star/testkit/browsers'
import type { Page as Tab } from 'puppeteer-core'
import type { PeerContender } from '../../contenders/libraries/contender.js'
import type { AnswerOf, Remote } from '../../processes/serve.js'
import type { PageLibrary, PagePeer } from './page.js'
import { startSite } from './site.js'

/** A library that the pages bring along, and the server that they meet at. */
export interface PageContender extends Required<Pick<PeerContender, 'title' | 'server'>> {
  library: PageLibrary
}

/** It ends with the process that started it, however that ends; a page may take two minutes to answer. */
const LAUNCH = { pipe: true, protocolTimeout: 120_000 }

/** A browser of a trial, and the pages it is to show. */
export interface Stage {
  /** In a window of its own: a tab behind another one would run with less priority. */
  open(): Promise<RemotePage>
  close(): Promise<void>
}

export async function openStage(): Promise<Stage> {
  const [site, browser] = await Promise.all([startSite(), launchBrowser('chromium', LAUNCH)])
  return {
    open: async () => {
      const tab = await browser.newPage({ type: 'window' })
      const page = new RemotePage(tab)
      await tab.goto(site.url)
      return page
    },
    close: async () => {
      await browser.close()
      site.close()
    }
  }
}

/** A page of a trial that is a peer. What goes wrong in it fails the trial. */
class RemotePage implements Remote<PagePeer> {
  readonly #tab: Tab

  constructor(tab: Tab) {
    this.#tab = tab
    for (const event of ['error', 'pageerror'] as const) tab.on(event, fail)
  }

  async call<Name extends keyof PagePeer>(
    name: Name,
    ...argument: Parameters<PagePeer[Name]>
  ): Promise<AnswerOf<PagePeer, Name>> {
    // What the function of that name returns.
    return (await this.#tab.evaluate(`peer.${name}(...${JSON.stringify(argument)})`)) as AnswerOf<PagePeer, Name>
  }

  close(): Promise<void> {
    return this.#tab.close()
  }
}

/** Past the driver, which would pass over what its listeners throw. */
function fail(cause: unknown): void {
  queueMicrotask(() => {
    throw new Error(`a page failed: ${String(cause)}`, { cause })
  })
}
