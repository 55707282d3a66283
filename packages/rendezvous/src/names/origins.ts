import type { IncomingMessage } from 'node:http'
import { locationOfHost, type ServerLocation } from '@websocket-star/protocol'
import type { Proxies } from '../pacing/proxies.js'
import { isLocalName } from './host-names.js'
import { parseOrigins } from './origin-patterns.js'
import type { OwnNames } from './own-names.js'

/** Decides which web pages may use the server. Its own pages always may. Clients that are not pages are not affected. */
export class Origins {
  readonly #matches: (origin: string) => boolean
  readonly #names: Pick<OwnNames, 'isEmpty' | 'isPublicLocation' | 'isTrustedHost'>
  readonly #proxies: Pick<Proxies, 'isFromTrustedProxy' | 'remoteOf' | 'requestedAt'>
  /** Pages of any origin may connect. */
  readonly isOpen: boolean
  /** The server is used under its own names only. */
  readonly isOwnOnly: boolean

  /**
   * @param listed - origins such as `https://app.example`, patterns such as `https://*.example`, `*`, and `self`; none: all of them
   * @throws {InvalidOptionsError}
   */
  constructor(
    listed: readonly string[],
    names: Pick<OwnNames, 'isEmpty' | 'isPublicLocation' | 'isTrustedHost'>,
    proxies: Pick<Proxies, 'isFromTrustedProxy' | 'remoteOf' | 'requestedAt'>
  ) {
    const { matches, isOpen, hasSelf } = parseOrigins(listed)
    this.#matches = matches
    this.#names = names
    this.#proxies = proxies
    this.isOpen = isOpen
    this.isOwnOnly = hasSelf && !isOpen
  }

  /** Origins whose pages may read answers, as the package `cors` takes them. */
  get cors(): true | ((origin: string | undefined, decide: (error: null, isAllowed: boolean) => void) => void) {
    return this.isOpen || ((origin, decide) => decide(null, origin !== undefined && this.isListed(origin)))
  }

  isListed(origin: string): boolean {
    return this.isOpen || this.#matches(origin)
  }

  /** Returns whether a request comes from a page that may connect, or from no page at all. See {@link HostCheck}, which comes first. */
  admits(request: IncomingMessage): boolean {
    if (this.isOpen) return true
    const { origin, 'sec-fetch-site': site } = request.headers
    // Pages cannot write this header. Whether the name in the URL is the server's has been checked.
    if (site === 'same-origin') return true
    // Browsers leave out the origin where a page loads something as an image or a script, but say whose page it is.
    if (origin === undefined) return site === undefined || site === 'none'
    return this.#matches(origin) || this.#isOwn(origin, request)
  }

  /** A page under a name that is not the server's may have been made by somebody else: see {@link HostCheck}. */
  #isOwn(origin: string, request: IncomingMessage): boolean {
    const location = locationOfOrigin(origin)
    if (location === undefined || !this.#mayBeOwn(location.host, request)) return false
    const { host } = this.#proxies.requestedAt(request)
    const asked = host === undefined ? undefined : locationOfHost(host, location.secure)
    return this.#names.isPublicLocation(location) || (asked?.host === location.host && asked.port === location.port)
  }

  #mayBeOwn(host: string, request: IncomingMessage): boolean {
    if (this.#names.isTrustedHost(host) || isLocalName(host)) return true
    // A server that nobody told its name is known by it behind a proxy, or far away. See HostCheck.
    if (!this.#names.isEmpty) return false
    return this.#proxies.isFromTrustedProxy(request) || this.#proxies.remoteOf(request).scope === 'global'
  }
}

/** @returns undefined if the origin is opaque or not HTTP */
export function locationOfOrigin(origin: string): ServerLocation | undefined {
  const [, scheme, host] = /^(https?):\/\/([^/]+)$/.exec(origin) ?? []
  return host === undefined ? undefined : locationOfHost(host, scheme === 'https')
}
