import { isIPv6 } from 'node:net'
import type { AddressScope } from './address-scope.js'

export interface RemoteAddress {
  readonly ip: string
  /** Whether the limits per address do not apply: it is loopback or a trusted proxy. */
  readonly exempt: boolean
  /** Network that the client is in. */
  readonly scope: AddressScope
}

/** Returns the network of one Internet subscriber: an IPv4 address, or the first half of an IPv6 address. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip
  // A link-local address may contain its zone.
  const [address = ''] = ip.split('%', 1)
  const [before = '', after] = address.split('::')
  const head = before === '' ? [] : before.split(':')
  const tail = after === undefined || after === '' ? [] : after.split(':')
  const zeros = after === undefined ? 0 : 8 - head.length - tail.length
  return [...head, ...Array.from({ length: zeros }, () => '0'), ...tail]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
