import { isIP } from 'node:net'
import proxyAddr from 'proxy-addr'

/** Where an IP address means something: on its machine, on its local network, or anywhere. */
export type AddressScope = 'loopback' | 'local' | 'global'

const isLoopback = proxyAddr.compile('loopback')
/** Private and link-local networks, and the one that providers and overlay networks share (RFC 6598). */
const isLocal = proxyAddr.compile(['linklocal', 'uniquelocal', '100.64.0.0/10'])

/** @param ip - what is no IP address means something anywhere */
export function scopeOf(ip: string): AddressScope {
  if (isIP(ip) === 0) return 'global'
  if (isLoopback(ip, 0)) return 'loopback'
  return isLocal(ip, 0) ? 'local' : 'global'
}
