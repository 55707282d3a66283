import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import type { Logger } from '../logger.js'
import { InvalidOptionsError } from '../options.js'
import { forwardedAddresses, ipOf, UNKNOWN } from './forwarded.js'
import { scopeOf } from './address-scope.js'
import type { RemoteAddress } from './remote-address.js'

/** Most proxies in a row that a number may stand for. */
const HOPS_MAX = 16

/** The proxies in front of the server: those that are trusted tell the addresses of their clients. */
export class Proxies {
  readonly #isTrustedProxy: (ip: string) => boolean
  /** Proxies in a row that are believed whatever their addresses are. */
  readonly #hops: number
  readonly #logger: Pick<Logger, 'warn'> | undefined
  #hasWarned = false

  /**
   * @param trusted - addresses, subnets, `loopback`, `linklocal`, `uniquelocal`, and numbers of proxies in a row
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

  /** Returns the address of the client that made a request, as far as the proxies tell it. */
  remoteOf(request: IncomingMessage): RemoteAddress {
    const hops = forwardedAddresses(request.headers)
    const nearest = socketAddressOf(request)
    let ip = nearest
    let distance = 0
    for (const hop of hops) {
      if (!this.#isTrusted(ip, distance)) break
      ip = hop
      distance++
    }
    const isProxied = distance === 0 && hops.length > 0
    if (isProxied) this.#warn(nearest)
    const scope = scopeOf(ip)
    return {
      ip,
      // What a proxy tells of its own loopback interface is no client of this machine.
      exempt: this.#isTrustedProxy(ip) || (distance === 0 && scope === 'loopback'),
      scope: isProxied ? 'global' : distance > 0 && scope === 'loopback' ? 'local' : scope
    }
  }

  /** Returns the address at the other end of a TCP connection. A proxy is exempt: its connections are those of many. */
  socketRemote(remoteAddress: string): RemoteAddress {
    const ip = ipOf(remoteAddress) ?? UNKNOWN
    const scope = scopeOf(ip)
    return { ip, exempt: this.#isTrusted(ip, 0) || scope === 'loopback', scope }
  }

  /** Returns whether a request comes from a proxy that is trusted. */
  isFromTrustedProxy(request: IncomingMessage): boolean {
    return this.#isTrusted(socketAddressOf(request), 0)
  }

  #isTrusted(ip: string, distance: number): boolean {
    return distance < this.#hops || this.#isTrustedProxy(ip)
  }

  #warn(proxy: string): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#logger?.warn(
      { proxy },
      'requests come through a proxy that is not trusted: limits per address do not tell its clients apart. Name it, such as ' +
        `--trust-proxy ${proxy}, if it is yours`
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
  throw invalid(`${count} is no number of proxies in a row: 1 to ${HOPS_MAX}`)
}

function checkNetwork(proxy: string): void {
  try {
    proxyAddr.compile(proxy)
  } catch (cause) {
    throw invalid(
      `${proxy} is no address, no subnet, no number of proxies, and none of loopback, linklocal and uniquelocal`,
      cause
    )
  }
}

function invalid(message: string, cause?: unknown): InvalidOptionsError {
  return new InvalidOptionsError([{ path: ['trustProxy'], message }], { cause })
}
