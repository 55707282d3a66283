import { isIPv6 } from 'node:net'
import type { AddressScope } from './address-scope.js'

/** The address that a client connects from. */
export interface RemoteAddress {
  readonly ip: string
  /** Limits per address do not apply: the address is loopback, or a trusted proxy. */
  readonly exempt: boolean
  /** How far away the client may be. */
  readonly scope: AddressScope
}

/** Returns the network that one subscriber has: an IPv4 address, or the first half of an IPv6 address. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip) || ip.includes('.')) return ip
  // A link-local address may name the interface that it is reached by.
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
