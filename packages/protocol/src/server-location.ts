import { serverUrl } from './address.js'
import type { StarAddress } from './address.js'

/** The host and port of a server, equal for all spellings of its address. */
export interface ServerLocation {
  /** A lower-case name without a final dot, or the shortest form of an IP address, without brackets; never IPv4 as IPv6. */
  readonly host: string
  readonly port: number
  /** The connection is encrypted. */
  readonly secure: boolean
}

/**
 * Returns the location of an address's server. `/dns`, `/dns4`, `/dns6` and `/dnsaddr` are equal, and so are `/wss` and `/tls/ws`.
 * The port defaults to 443 or 80. The name in `/sni/` is the host, because the certificate is checked against it.
 *
 * @returns undefined if the address has no server that can be reached by WebSocket
 */
export function locationOf(address: StarAddress | string): ServerLocation | undefined {
  try {
    return locationOfUrl(new URL(serverUrl(address)))
  } catch {
    return undefined
  }
}

/** Returns whether two addresses have the same server; false if one of them has none. */
export function isSameServer(one: StarAddress | string, other: StarAddress | string): boolean {
  const [location, another] = [locationOf(one), locationOf(other)]
  if (location === undefined || another === undefined) return false
  return location.host === another.host && location.port === another.port && location.secure === another.secure
}

/**
 * Parses a Host header, or another text of the form `host` or `host:port`.
 *
 * @param secure - the connection is encrypted, which decides the default port
 * @returns undefined for anything else
 */
export function locationOfHost(text: string, secure: boolean): ServerLocation | undefined {
  // A URL would accept more than a host: user names, paths, and characters that it drops.
  if (!/^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/.test(text)) return undefined
  try {
    return locationOfUrl(new URL(`${secure ? 'https' : 'http'}://${text}`))
  } catch {
    return undefined
  }
}

function locationOfUrl({ protocol, hostname, port }: URL): ServerLocation | undefined {
  const secure = protocol === 'https:'
  const host = unmapped(hostname.replace(/^\[|\]$|\.$/g, ''))
  // A second final dot would be an empty label, which no name and no IP address has.
  if (host === '' || host.endsWith('.')) return undefined
  return { host, port: port === '' ? (secure ? 443 : 80) : Number(port), secure }
}

/** Converts `::ffff:102:304` to 1.2.3.4. */
function unmapped(host: string): string {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host) ?? []
  if (high === undefined || low === undefined) return host
  const [first, second] = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
  return [first >> 8, first & 255, second >> 8, second & 255].join('.')
}
