import { serverUrl } from './address.js'
import type { StarAddress } from './address.js'

/** Where a server is, whatever an address of it looks like. */
export interface Place {
  /**
   * A name in lower case without the dot at its end, or an IP address in its shortest form without brackets; an IPv4 address
   * that is written as IPv6 is an IPv4 address.
   */
  readonly host: string
  readonly port: number
  /** The connection to it is encrypted. */
  readonly secure: boolean
}

/**
 * Returns where the server of an address is. `/dns`, `/dns4`, `/dns6` and `/dnsaddr` are the same, and so are `/wss` and
 * `/tls/ws`; without a port it is 443 or 80. The name given by `/sni/` is the host, since the certificate is checked for it.
 *
 * @param address - a peer id at its end makes no difference
 * @returns undefined if the address names no server that can be reached by WebSocket
 */
export function placeOf(address: StarAddress | string): Place | undefined {
  try {
    return placeOfUrl(new URL(serverUrl(address)))
  } catch {
    return undefined
  }
}

/** Returns whether two addresses lead to the same server. One that leads to none is the same as no other. */
export function isSamePlace(one: StarAddress | string, other: StarAddress | string): boolean {
  const [place, another] = [placeOf(one), placeOf(other)]
  if (place === undefined || another === undefined) return false
  return place.host === another.host && place.port === another.port && place.secure === another.secure
}

/**
 * Returns where a Host header leads, or any other text of the form `host` or `host:port`.
 *
 * @param secure - whether it came over an encrypted connection, which decides on the default port
 * @returns undefined for anything else
 */
export function placeOfHost(text: string, secure: boolean): Place | undefined {
  // A URL takes more than a host: user names, paths, and characters that it drops.
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text)) return undefined
  try {
    return placeOfUrl(new URL(`${secure ? 'https' : 'http'}://${text}`))
  } catch {
    return undefined
  }
}

function placeOfUrl({ protocol, hostname, port }: URL): Place | undefined {
  const secure = protocol === 'https:'
  const host = withoutMapping(hostname.replace(/^\[|\]$|\.$/g, ''))
  // Two dots at the end of a name are an empty label: there is no such name, nor such an IP address.
  if (host === '' || host.endsWith('.')) return undefined
  return { host, port: port === '' ? (secure ? 443 : 80) : Number(port), secure }
}

/** `::ffff:102:304` is 1.2.3.4. */
function withoutMapping(host: string): string {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [first >> 8, first & 255, second >> 8, second & 255].join('.')
}
