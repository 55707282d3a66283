import type { IncomingMessage } from 'node:http'
import { locationOfHost } from '@websocket-star/protocol'
import type { Proxies } from '../pacing/proxies.js'
import { isLocalName } from './host-names.js'
import { locationOfOrigin } from './origins.js'
import type { OwnNames } from './own-names.js'

export interface HostCheckOptions {
  names: Pick<OwnNames, 'isEmpty' | 'isTrustedHost'>
  proxies: Pick<Proxies, 'isFromTrustedProxy' | 'remoteOf'>
  /** Whether the server itself uses HTTPS. */
  secure: boolean
  /** Whether all unknown names are refused. */
  isStrict: boolean
}

/** Paths that programs request under private names, and that reveal no secrets. */
const FOR_PROGRAMS = /^\/(?:health|ready|metrics)(?:\?|$)|^\/socket\.io\//

/**
 * Prevents DNS rebinding, where the owner of a web page points its name at this server so that browsers let it read
 * everything here. The requests of such a page carry that name.
 */
export class HostCheck {
  readonly #options: HostCheckOptions

  constructor(options: HostCheckOptions) {
    this.#options = options
  }

  /** Returns whether the Host header of a request may be the name of such a page. */
  refuses(request: IncomingMessage): boolean {
    const { names, proxies, secure, isStrict } = this.#options
    const { host } = request.headers
    // Browsers always send one.
    if (host === undefined || host === '') return false
    const name = locationOfHost(host, secure)?.host
    if (name !== undefined && names.isTrustedHost(name)) return false
    if (isStrict) return true
    if (name !== undefined && isLocalName(name)) return false
    // A proxy may use a name of its own for the server.
    if (proxies.isFromTrustedProxy(request)) return false
    if (!names.isEmpty) return isFromPageOf(host, request) || !FOR_PROGRAMS.test(request.url ?? '')
    // A server without known names may be behind a proxy that keeps the Host header. Requests that browsers send it
    // directly name the port it listens on, and those from the Internet use its public name.
    return isFromPageOf(host, request) && isDirect(host, request) && proxies.remoteOf(request).scope !== 'global'
  }
}

/** Returns whether a page of this host may have sent a request. Pages cannot remove Accept-Language. */
function isFromPageOf(host: string, { headers }: IncomingMessage): boolean {
  if (headers['accept-language'] === undefined) return false
  const { origin } = headers
  const location = origin === undefined ? undefined : locationOfOrigin(origin)
  if (location === undefined) return true
  const asked = locationOfHost(host, location.secure)
  return asked === undefined || (asked.host === location.host && asked.port === location.port)
}

function isDirect(host: string, { socket }: IncomingMessage): boolean {
  return Number(/:(\d+)$/.exec(host)?.[1]) === socket.localPort
}
