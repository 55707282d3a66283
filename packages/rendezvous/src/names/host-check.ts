import type { IncomingMessage } from 'node:http'
import { locationOfHost } from '@websocket-star/protocol'
import type { Proxies } from '../pacing/proxies.js'
import { isLocalName } from './host-names.js'
import { locationOfOrigin } from './origins.js'
import type { OwnNames } from './own-names.js'

export interface HostCheckOptions {
  names: Pick<OwnNames, 'isEmpty' | 'isTrustedHost'>
  proxies: Pick<Proxies, 'isFromTrustedProxy' | 'remoteOf'>
  /** The server speaks HTTPS itself. */
  secure: boolean
  /** Names that the server does not know are refused always. */
  isStrict: boolean
}

/** What is asked for by programs, under names of a private network, and tells no secrets. */
const FOR_PROGRAMS = /^\/(?:health|ready|metrics)(?:\?|$)|^\/socket\.io\//

/**
 * Protects from DNS rebinding: a web page whose name its owner makes lead to this server counts for the browser as one of
 * this server, and so may read everything here. Its requests carry that name.
 */
export class HostCheck {
  readonly #options: HostCheckOptions

  constructor(options: HostCheckOptions) {
    this.#options = options
  }

  /** Returns whether a request names a host that may be such a page's. */
  refuses(request: IncomingMessage): boolean {
    const { names, proxies, secure, isStrict } = this.#options
    const { host } = request.headers
    // Browsers always send one.
    if (host === undefined || host === '') return false
    const name = locationOfHost(host, secure)?.host
    if (name !== undefined && names.isTrustedHost(name)) return false
    if (isStrict) return true
    if (name !== undefined && isLocalName(name)) return false
    // A proxy may ask for the server under a name of its own.
    if (proxies.isFromTrustedProxy(request)) return false
    if (!names.isEmpty) return isFromPageOf(host, request) || !FOR_PROGRAMS.test(request.url ?? '')
    // A server that nobody told its name may be behind a proxy that passes on the name. What comes from a browser without a
    // proxy names the port that the server listens on, and what comes from far away reaches it under its public name.
    return isFromPageOf(host, request) && isDirect(host, request) && proxies.remoteOf(request).scope !== 'global'
  }
}

/** Whether a page of this very host may have sent it. Pages cannot keep a browser from saying which languages it prefers. */
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
