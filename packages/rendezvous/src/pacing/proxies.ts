import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import type { Logger } from '../logger.js'
import { InvalidOptionsError } from '../options.js'
import { forwardedAddresses, forwardedTarget, ipOf, UNKNOWN } from './forwarded.js'
import { scopeOf } from './address-scope.js'
import type { RemoteAddress } from './remote-address.js'

/** Largest number of trusted hops. */
const HOPS_MAX = 16

/** Where the browser or client of a request believes the server to be. */
export interface RequestedPlace {
  /** Undefined if no trusted proxy says whether it ended TLS. */
  readonly secure: boolean | undefined
  /** A host with its port, as in the Host header. */
  readonly host: string | undefined
}

/** Trusted proxies in front of the server, which report the addresses of their clients. */
export class Proxies {
  readonly #isTrustedProxy: (ip: string) => boolean
  /** Number of nearest hops that are trusted whatever their addresses are. */
  readonly #hops: number
  readonly #logger: Pick<Logger, 'warn'> | undefined
  #hasWarned = false

  /**
   * @param trusted - addresses, subnets, `loopback`, `linklocal`, `uniquelocal`, and numbers of hops
   * @throws {InvalidOptionsError}
   */
  constructor(trusted: readonly string[], logger?: Pick<Logger, 'warn'>) {
    const [hops, networks] = [trusted.filter(isNumber), trusted.filter((proxy) => !isNumber(proxy))]
    for (const count of hops) checkHops(count)
    for (const network of networks) checkNetwork(network)
    this.#hops = Math.max(0, ...hops.map(Number))
    const isTrusted = proxyAddr.compile(networks)
    this.#isTrustedProxy = (ip) => isTrusted(ip, 0)
    this.#logger = logger
  }

  /** Returns the address of a request's client as far as trusted proxies report it. */
  remoteOf(request: IncomingMessage): RemoteAddress {
    const hops = forwardedAddresses(request.headers)
    const nearest = socketAddressOf(request)
    const { ip, distance } = this.#farthest(nearest, hops)
    const isProxied = distance === 0 && hops.length > 0
    if (isProxied) this.#warn(nearest)
    const scope = scopeOf(ip)
    return {
      ip,
      // A loopback address that a proxy reports is not on this machine.
      exempt: this.#isTrustedProxy(ip) || (distance === 0 && scope === 'loopback'),
      scope: isProxied ? 'global' : distance > 0 && scope === 'loopback' ? 'local' : scope
    }
  }

  /** Returns the remote address of a TCP connection. Proxies are exempt, since their connections serve many clients. */
  socketRemote(remoteAddress: string): RemoteAddress {
    const ip = ipOf(remoteAddress) ?? UNKNOWN
    const scope = scopeOf(ip)
    return { ip, exempt: this.#isTrusted(ip, 0) || scope === 'loopback', scope }
  }

  isFromTrustedProxy(request: IncomingMessage): boolean {
    return this.#isTrusted(socketAddressOf(request), 0)
  }

  /** Returns the place that a request asked for, as trusted proxies report it: they may end TLS and change the Host header. */
  requestedAt(request: IncomingMessage): RequestedPlace {
    const { headers } = request
    if (!this.isFromTrustedProxy(request)) return { secure: undefined, host: headers.host }
    const { distance } = this.#farthest(socketAddressOf(request), forwardedAddresses(headers))
    const { proto, host = headers.host, port } = forwardedTarget(headers, Math.max(1, distance))
    const hasPort = host === undefined || /:\d+$/.test(host)
    return {
      secure: proto === undefined ? undefined : proto === 'https' || proto === 'wss',
      host: hasPort || port === undefined || !/^\d{1,5}$/.test(port) ? host : `${host}:${port}`
    }
  }

  /** Follows the addresses that proxies wrote, as long as the proxies are trusted. */
  #farthest(nearest: string, hops: readonly string[]): { ip: string; distance: number } {
    let ip = nearest
    let distance = 0
    for (const hop of hops) {
      if (!this.#isTrusted(ip, distance)) break
      ip = hop
      distance++
    }
    return { ip, distance }
  }

  #isTrusted(ip: string, distance: number): boolean {
    return distance < this.#hops || this.#isTrustedProxy(ip)
  }

  #warn(proxy: string): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#logger?.warn(
      { proxy },
      'requests come through a proxy that is not trusted, so all its clients share the limits of one address. If the proxy ' +
        `is yours, start the server with --trust-proxy ${proxy}`
    )
  }
}

function socketAddressOf({ socket: { remoteAddress } }: IncomingMessage): string {
  return ipOf(remoteAddress ?? '') ?? UNKNOWN
}

function isNumber(proxy: string): boolean {
  return /^\d+$/.test(proxy)
}

function checkHops(count: string): void {
  if (Number(count) >= 1 && Number(count) <= HOPS_MAX) return
  throw invalid(`${count} is out of range: a number of proxies is 1 to ${HOPS_MAX}`)
}

function checkNetwork(proxy: string): void {
  try {
    proxyAddr.compile(proxy)
  } catch (cause) {
    throw invalid(
      `${proxy} is not an IP address, subnet or number of proxies, nor loopback, linklocal or uniquelocal`,
      cause
    )
  }
}

function invalid(message: string, cause?: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: ['trustProxy'], message }], { cause })
}
