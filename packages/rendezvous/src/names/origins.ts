import type { IncomingMessage } from 'node:http'
import { locationOfHost, type ServerLocation } from '@websocket-star/protocol'
import type { OwnNames } from './own-names.js'

/** Entry that stands for the server's own origins. */
const SELF = 'self'

/** Decides which web pages may use the server. Its own pages always may; other clients are not restricted. */
export class Origins {
  readonly #listed: ReadonlySet<string>
  readonly #names: Pick<OwnNames, 'isPublicLocation' | 'isTrustedHost'>
  /** Whether all origins are admitted. */
  readonly isOpen: boolean
  /** Whether `self` is listed, which also makes the server refuse unknown host names. */
  readonly isOwnOnly: boolean

  /** @param listed - origins such as `https://app.example`, and `self`; empty admits all */
  constructor(listed: readonly string[], names: Pick<OwnNames, 'isPublicLocation' | 'isTrustedHost'>) {
    this.#listed = new Set(listed.filter((origin) => origin !== SELF).map(normal))
    this.#names = names
    this.isOpen = listed.length === 0
    this.isOwnOnly = listed.includes(SELF)
  }

  /** Origins for the `origin` option of the package `cors`. */
  get cors(): true | string[] {
    return this.isOpen ? true : [...this.#listed]
  }

  isListed(origin: string): boolean {
    return this.isOpen || this.#listed.has(origin)
  }

  /** Returns whether a request is from an admitted page or from no page. */
  admits({ headers: { origin, host, 'sec-fetch-site': site } }: IncomingMessage): boolean {
    if (this.isOpen) return true
    // For images and scripts, browsers omit the origin but send Sec-Fetch-Site.
    if (origin === undefined) return site === undefined || site === 'same-origin' || site === 'none'
    return this.#listed.has(origin) || this.#isOwn(origin, host)
  }

  /** Returns whether an origin is the server's own. Other names may be a stranger's: see {@link HostCheck}. */
  #isOwn(origin: string, host: string | undefined): boolean {
    const location = locationOfOrigin(origin)
    if (location === undefined || !this.#names.isTrustedHost(location.host)) return false
    const asked = host === undefined ? undefined : locationOfHost(host, location.secure)
    return this.#names.isPublicLocation(location) || (asked?.host === location.host && asked.port === location.port)
  }
}

/** @returns undefined if the origin is opaque or not HTTP */
export function locationOfOrigin(origin: string): ServerLocation | undefined {
  const [, scheme, host] = /^(https?):\/\/([^/]+)$/.exec(origin) ?? []
  return host === undefined ? undefined : locationOfHost(host, scheme === 'https')
}

/** Returns an origin as browsers write it. */
function normal(origin: string): string {
  try {
    const { origin: written } = new URL(origin)
    return written === 'null' ? origin : written
  } catch {
    return origin
  }
}
