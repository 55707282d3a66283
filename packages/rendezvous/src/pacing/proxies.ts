import type { IncomingMessage } from 'node:http'
import proxyAddr from 'proxy-addr'
import type { Logger } from '../logger.js'
import { InvalidOptionsError } from '../options.js'
import { forwardedAddresses, ipOf, UNKNOWN } from './forwarded.js'
import { reachOf } from './reach.js'
import type { RemoteAddress } from './remote-address.js'

/** Most proxies in a row that a number may stand for. */
const HOPS_MAX = 16

/** The proxies in front of the server: those that are named tell the addresses of their clients. */
export class Proxies {
  readonly #isNamed: (ip: string) => boolean
  /** Proxies in a row that are believed whatever their addresses are. */
  readonly #hops: number
  readonly #logger: Pick<Logger, 'warn'> | undefined
  #hasWarned = false

  /**
   * @param named - addresses, subnets, `loopback`, `linklocal`, `uniquelocal`, and numbers of proxies in a row
   * @throws {InvalidOptionsError}
   */
  constructor(named: readonly string[], logger?: Pick<Logger, 'warn'>) {
    const [hops, networks] = [named.filter(isNumber), named.filter((proxy) => !isNumber(proxy))]
    for (const count of hops) checkHops(count)
    for (const network of networks) checkNetwork(network)
    this.#hops = Math.max(0, ...hops.map(Number))
    const isNamed = proxyAddr.compile(networks)
    this.#isNamed = (ip) => isNamed(ip, 0)
    this.#logger = logger
  }

  /** Returns the address of the client that made a request, as far as the proxies tell it. */
  remoteOf(request: IncomingMessage): RemoteAddress {
    const hops = forwardedAddresses(request.headers)
    const nearest = nearestOf(request)
    let ip = nearest
    let distance = 0
    for (const hop of hops) {
      if (!this.#isBelieved(ip, distance)) break
      ip = hop
      distance++
    }
    const isProxied = distance === 0 && hops.length > 0
    if (isProxied) this.#warn(nearest)
    const reach = reachOf(ip)
    return {
      ip,
      // What a proxy tells of its own loopback interface is no client of this machine.
      exempt: this.#isNamed(ip) || (distance === 0 && reach === 'loopback'),
      reach: isProxied ? 'anywhere' : distance > 0 && reach === 'loopback' ? 'local' : reach
    }
  }

  /** Returns the address at the other end of a TCP connection. A proxy is exempt: its connections are those of many. */
  nearest(remoteAddress: string): RemoteAddress {
    const ip = ipOf(remoteAddress) ?? UNKNOWN
    const reach = reachOf(ip)
    return { ip, exempt: this.#isBelieved(ip, 0) || reach === 'loopback', reach }
  }

  /** Returns whether a request comes from a proxy that is named. */
  isFromNamed(request: IncomingMessage): boolean {
    return this.#isBelieved(nearestOf(request), 0)
  }

  #isBelieved(ip: string, distance: number): boolean {
    return distance < this.#hops || this.#isNamed(ip)
  }

  #warn(proxy: string): void {
    if (this.#hasWarned) return
    this.#hasWarned = true
    this.#logger?.warn(
      { proxy },
      'requests come through a proxy that is not named: limits per address do not tell its clients apart. Name it, such as ' +
        `--trust-proxy ${proxy}, if it is yours`
    )
  }
}

function nearestOf({ socket: { remoteAddress } }: IncomingMessage): string {
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
