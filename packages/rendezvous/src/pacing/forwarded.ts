import { locationOfHost } from '@websocket-star/protocol'
import type { IncomingHttpHeaders } from 'node:http'
import { isIPv4, isIPv6 } from 'node:net'

/** An address that a proxy does not tell, or that cannot be read. */
export const UNKNOWN = 'unknown'

/** Hops that are read at most, from the nearest on: clients can write as many as they like. */
const HOPS_MAX = 32
/** Characters of a header that are read at most, from the nearest hop on. */
const LENGTH_MAX = 4_096

/**
 * Returns the addresses that proxies wrote, the nearest first. `Forwarded` (RFC 7239) is read only where there is no
 * `X-Forwarded-For`: a proxy that writes one of them passes the other on as the client wrote it, and most write that one.
 *
 * @returns IP addresses in their shortest form, identifiers such as `_hidden`, and {@link UNKNOWN}
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

/**
 * One `name=value` of Forwarded, and what follows it. Spaces can be matched in one way only: with two, a header of spaces took
 * the square of its length.
 */
const PAIR = /[ \t]*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^ \t",;]*))[ \t]*)?([,;]|$)/y

/**
 * The `for` of each element of Forwarded. One that breaks the grammar, or goes on for long, hides where the elements are, so
 * nothing is known.
 */
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

/** Reads `ip`, `ip:port`, `[ip]`, `[ip]:port`, each perhaps in quotes, and identifiers that hide an address. */
function addressIn(text: string): string {
  const bare = text.trim().replace(/^"(.*)"$/, '$1')
  const ip = /^\[([^\]]*)\](?::\w+)?$/.exec(bare)?.[1] ?? /^([\d.]+):\w+$/.exec(bare)?.[1] ?? bare
  return ipOf(ip) ?? (/^_[A-Za-z0-9._-]{1,64}$/.test(bare) ? bare : UNKNOWN)
}

/**
 * Returns an IP address in its shortest form, without a zone; an IPv4 address that is written as IPv6 is an IPv4 address.
 *
 * @returns undefined for anything else
 */
export function ipOf(text: string): string | undefined {
  if (isIPv4(text)) return text
  const [ip = ''] = text.split('%', 1)
  return isIPv6(ip) ? locationOfHost(`[${ip}]`, false)?.host : undefined
}
