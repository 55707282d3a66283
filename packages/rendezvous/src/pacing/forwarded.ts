import { locationOfHost } from '@websocket-star/protocol'
import type { IncomingHttpHeaders } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/** Stands for an address that a proxy hides or that is malformed. */
export const UNKNOWN = 'unknown'

/** Largest number of hops that are read, starting at the nearest: clients can forge any number. */
const HOPS_MAX = 32
/** Largest part of a header that is read, in characters, starting at the nearest hop. */
const LENGTH_MAX = 4_096

/**
 * Returns the addresses that proxies recorded, nearest first. `Forwarded` (RFC 7239) is read only in the absence of
 * `X-Forwarded-For`: a proxy that writes one passes the other on as the client forged it, and most write that one.
 *
 * @returns canonical IP addresses, identifiers such as `_hidden`, and {@link UNKNOWN}
 */
export function forwardedAddresses(headers: IncomingHttpHeaders): string[] {
  const { 'x-forwarded-for': list, forwarded } = headers
  if (list !== undefined) {
    const entries = (Array.isArray(list) ? list.join(',') : list).slice(-LENGTH_MAX).split(',')
    return entries
      .filter((entry) => entry.trim() !== '')
      .slice(-HOPS_MAX)
      .toReversed()
      .map(addressIn)
  }
  return forwarded === undefined ? [] : addressesOf(forwarded).slice(-HOPS_MAX).toReversed().map(addressIn)
}

/** One `name=value` of Forwarded and its delimiter. Ambiguous spaces would make matching quadratic. */
const PAIR = /[ \t]*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^ \t",;]*))[ \t]*)?([,;]|$)/y

/** Returns the `for` of each element. A malformed or very long header has no known elements. */
function addressesOf(header: string): string[] {
  if (header.length > LENGTH_MAX) return [UNKNOWN]
  const addresses: string[] = []
  let address = UNKNOWN
  let isEmpty = true
  PAIR.lastIndex = 0
  for (;;) {
    const match = PAIR.exec(header)
    if (match === null) return [UNKNOWN]
    const [, name, quoted, token, end] = match
    if (name !== undefined) isEmpty = false
    if (name?.toLowerCase() === 'for') address = quoted?.replaceAll(/\\(.)/g, '$1') ?? token ?? UNKNOWN
    if (end === ';') continue
    if (!isEmpty) addresses.push(address)
    if (end === '') return addresses
    address = UNKNOWN
    isEmpty = true
  }
}

/** Parses `ip`, `ip:port`, `[ip]` and `[ip]:port`, quoted or not, and obfuscated identifiers. */
function addressIn(text: string): string {
  const bare = text.trim().replace(/^"(.*)"$/, '$1')
  const ip = /^\[([^\]]*)\](?::\w+)?$/.exec(bare)?.[1] ?? /^([\d.]+):\w+$/.exec(bare)?.[1] ?? bare
  return ipOf(ip) ?? (/^_[A-Za-z0-9._-]{1,64}$/.test(bare) ? bare : UNKNOWN)
}

/**
 * Returns the canonical form of an IP address without its zone; undefined if it is none. IPv4-mapped IPv6 becomes IPv4.
 */
export function ipOf(text: string): string | undefined {
  if (isIPv4(text)) return text
  const [ip = ''] = text.split('%', 1)
  return isIPv6(ip) ? locationOfHost(`[${ip}]`, false)?.host : undefined
}
