import { within } from '@websocket-star/testkit'
import type { BrowserName } from '@websocket-star/testkit/browsers'
import type { CDPSession, Page as Tab } from 'puppeteer-core'
import type { WorkerKind } from '../pages/page.js'
import type { Peer } from '../pages/peer.js'

/** Milliseconds: for 50 MB on a busy machine. */
const PATIENCE = 100_000

/** Calls a function of a peer in a page, or in a worker of one, with arguments that JSON can say. */
export interface RemotePeer {
  call<Name extends keyof Peer>(name: Name, ...args: Parameters<Peer[Name]>): ReturnType<Peer[Name]>
}

/** A tab with a page of a site, which is a peer. */
export class Page implements RemotePeer {
  readonly tab: Tab
  readonly #browser: BrowserName
  #network: CDPSession | undefined

  constructor(tab: Tab, browser: BrowserName) {
    this.tab = tab
    this.#browser = browser
  }

  call<Name extends keyof Peer>(name: Name, ...args: Parameters<Peer[Name]>): ReturnType<Peer[Name]> {
    return this.#call('a page', `page.peer.${name}(...${JSON.stringify(args)})`, name)
  }

  /** The peer in a worker that this page has, or makes. */
  worker(kind: WorkerKind): RemotePeer {
    return {
      call: (name, ...args) =>
        this.#call(`a ${kind} worker`, `page.worker('${kind}').call('${name}', ${JSON.stringify(args)})`, name)
    }
  }

  /** The value of an expression, or what the promise that it is brings. */
  async evaluate<T>(expression: string): Promise<T> {
    return (await this.tab.evaluate(expression)) as T // its caller knows the expression
  }

  async close(): Promise<void> {
    if (!this.tab.isClosed()) await this.tab.close()
  }

  /** Takes the network away from this tab, or gives it back, and has the browser say so. */
  async setOffline(offline: boolean): Promise<void> {
    if (this.#browser === 'firefox') return await this.tab.setOfflineMode(offline)
    // In a session that stays, for with it its effects end; the driver's own has been told to leave the network alone.
    this.#network ??= await this.tab.createCDPSession()
    await this.#network.send('Network.enable')
    await this.#network.send('Network.emulateNetworkConditions', {
      offline,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: -1
    })
  }

  #call<Name extends keyof Peer>(where: string, expression: string, name: Name): ReturnType<Peer[Name]> {
    // all of a peer's functions return promises of what JSON can say
    return within(`${name} in ${where}`, this.evaluate(expression), PATIENCE) as ReturnType<Peer[Name]>
  }
}
