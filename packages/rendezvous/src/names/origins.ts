import type { IncomingMessage } from 'node:http'
import { locationOfHost, type ServerLocation } from '@websocket-star/protocol'
import type { OwnNames } from './own-names.js'

/** What an operator lists to admit no origin but the server's own. */
const SELF = 'self'

/** Which web pages may use the server. Those of the server itself always may; clients that are no pages are not concerned. */
export class Origins {
  readonly #listed: ReadonlySet<string>
  readonly #names: Pick<OwnNames, 'isPublicLocation' | 'isTrustedHost'>
  /** Pages of any origin may connect. */
  readonly isOpen: boolean
  /** The server has no use for names that it does not know. */
  readonly isOwnOnly: boolean

  /** @param listed - origins such as `https://app.example`, and `self`; none: all of them */
  constructor(listed: readonly string[], names: Pick<OwnNames, 'isPublicLocation' | 'isTrustedHost'>) {
    this.#listed = new Set(listed.filter((origin) => origin !== SELF).map(normal))
    this.#names = names
    this.isOpen = listed.length === 0
    this.isOwnOnly = listed.includes(SELF)
  }

  /** Origins whose pages may read answers, as the package `cors` takes them. */
  get cors(): true | string[] {
    return this.isOpen ? true : [...this.#listed]
  }

  isListed(origin: string): boolean {
    return this.isOpen || this.#listed.has(origin)
  }

  /** Returns whether a request comes from a page that may connect, or from no page at all. */
  admits({ headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage): boolean {
    if (this.isOpen) return true
    // Browsers leave out the origin where a page loads something as an image or a script, but say whose page it is.
    if (origin === undefined) return site === undefined || site === 'same-origin' || site === 'none'
    return this.#listed.has(origin) || this.#isOwn(origin, host)
  }

  /** A page under a name that is not the server's may have been made by somebody else: see {@link HostCheck}. */
  #isOwn(origin: string, host: string | undefined): boolean {
    const location = locationOfOrigin(origin)
    if (location === undefined || !this.#names.isTrustedHost(location.host)) return false
    const asked = host === undefined ? undefined : locationOfHost(host, location.secure)
    return this.#names.isPublicLocation(location) || (asked?.host === location.host && asked.port === location.port)
  }
}

/** @returns undefined for an origin that is hidden, or that is no web page's */
export function locationOfOrigin(origin: string): ServerLocation | undefined {
  const [, scheme, host] = /^(https?):\/\/([^/]+)$/.exec(origin) ?? []
  return host === undefined ? undefined : locationOfHost(host, scheme === 'https')
}

/** As browsers write it. */
function normal(origin: string): string {
  try {
    const { origin: written } = new URL(origin)
    return written === 'null' ? origin : written
  } catch {
    return origin
  }
}
