import { isIP } from 'node:net'
import proxyAddr from 'proxy-addr'

/** Network in which an IP address is unique: its machine, its local network, or the Internet. */
export type AddressScope = 'loopback' | 'local' | 'global'

const isLoopback = proxyAddr.compile('loopback')
/** Private and link-local networks, and the shared address space of providers and overlay networks (RFC 6598). */
const isLocal = proxyAddr.compile(['linklocal', 'uniquelocal', '100.64.0.0/10'])

/** Returns the scope of an IP address; `global` for any other text. */
export function scopeOf(ip: string): AddressScope {
  if (isIP(ip) === 0) return 'global'
  if (isLoopback(ip, 0)) return 'loopback'
  return isLocal(ip, 0) ? 'local' : 'global'
}
