import type { Page as Tab } from 'puppeteer-core'
import type { AnswerOf, Remote } from '../processes/serve.js'
import type { PagePeer } from './page.js'

/** A page of a trial that is a peer. What goes wrong in it fails the trial. */
export class RemotePage implements Remote<PagePeer> {
  readonly #tab: Tab

  constructor(tab: Tab) {
    this.#tab = tab
    for (const event of ['error', 'pageerror'] as const) tab.on(event, fail)
  }

  async load(url: string): Promise<void> {
    await this.#tab.goto(url)
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
