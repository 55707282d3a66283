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
  if (forwarded === undefined) return []
  return elementsOf(forwarded)
    .slice(-HOPS_MAX)
    .toReversed()
    .map((element) => addressIn(element.for))
}

/** One `name=value` of Forwarded and its delimiter. Ambiguous spaces would make matching quadratic. */
const PAIR = /[ \t]*(?:([A-Za-z0-9!#$%&'*+.^_`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^ \t",;]*))[ \t]*)?([,;]|$)/y

/** Fields of one element of Forwarded. */
interface ForwardedElement {
  for: string
  proto?: string
  host?: string
}

/** Parses the elements of Forwarded. A malformed or very long header has no known elements. */
function elementsOf(header: string): ForwardedElement[] {
  if (header.length > LENGTH_MAX) return [{ for: UNKNOWN }]
  const elements: ForwardedElement[] = []
  let element: ForwardedElement = { for: UNKNOWN }
  let isEmpty = true
  PAIR.lastIndex = 0
  for (;;) {
    const match = PAIR.exec(header)
    if (match === null) return [{ for: UNKNOWN }]
    const [, name, quoted, token, end] = match
    if (name !== undefined) isEmpty = false
    const field = name?.toLowerCase()
    const value = quoted?.replaceAll(/\\(.)/g, '$1') ?? token
    if (value !== undefined && (field === 'for' || field === 'proto' || field === 'host')) element[field] = value
    if (end === ';') continue
    if (!isEmpty) elements.push(element)
    if (end === '') return elements
    element = { for: UNKNOWN }
    isEmpty = true
  }
}

/** Place that a proxy's client asked for, in the words of the proxy. */
export interface ForwardedTarget {
  proto: string | undefined
  host: string | undefined
  port: string | undefined
}

/**
 * Returns what a proxy wrote about the request that it got. `Forwarded` is read where the header of its own is missing.
 *
 * @param distance - of that proxy: 1 is the nearest
 */
export function forwardedTarget(headers: IncomingHttpHeaders, distance: number): ForwardedTarget {
  const { forwarded } = headers
  const element = forwarded === undefined ? undefined : nthLast(elementsOf(forwarded), distance)
  const entry = (name: string): string | undefined => {
    const text = headers[name]
    if (text === undefined) return undefined
    const entries = String(text).slice(-LENGTH_MAX).split(',')
    return nthLast(entries, distance)
      ?.trim()
      .replace(/^"(.*)"$/, '$1')
  }
  return {
    proto: (entry('x-forwarded-proto') ?? element?.proto)?.toLowerCase(),
    host: entry('x-forwarded-host') ?? element?.host,
    port: entry('x-forwarded-port')
  }
}

/** Proxies that replace the header leave fewer entries than there are proxies. */
function nthLast<Item>(items: readonly Item[], count: number): Item | undefined {
  return items.at(-Math.min(count, items.length))
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
