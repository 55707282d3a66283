import type { Page as Tab } from 'puppeteer-core'
import type { PagePeer } from './page.js'

/** A page of a trial that is a peer. What goes wrong in it fails the trial. */
export class RemotePage {
  readonly #tab: Tab

  constructor(tab: Tab) {
    this.#tab = tab
    for (const event of ['error', 'pageerror'] as const) tab.on(event, fail)
  }

  async load(url: string): Promise<void> {
    await this.#tab.goto(url)
  }

  /** Calls a function of the peer, with arguments that JSON can say. */
  call<Name extends keyof PagePeer>(name: Name, ...args: Parameters<PagePeer[Name]>): ReturnType<PagePeer[Name]> {
    // all of a peer's functions return promises of what JSON can say
    return this.#tab.evaluate(`peer.${name}(...${JSON.stringify(args)})`) as ReturnType<PagePeer[Name]>
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
