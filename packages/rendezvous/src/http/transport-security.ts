import { isIP } from 'node:net'

/** 180 days, in seconds. */
const MAX_AGE = 15_552_000
/** Names that are not unique across networks. */
const LOCAL = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|test|invalid|home\.arpa)$/

/**
 * Returns the value of `Strict-Transport-Security` for a page served over HTTPS, or undefined if it must not be sent. The
 * header covers all ports of a name, so it is sent only for public names at port 443: other ports may be other servers.
 */
export function strictTransportSecurity(host: string | undefined): string | undefined {
  const name = host?.toLowerCase().replace(/:443$/, '').replace(/\.$/, '')
  if (name === undefined || name.includes(':') || !name.includes('.') || isIP(name) !== 0) return undefined
  return LOCAL.test(name) ? undefined : `max-age=${MAX_AGE}`
}
