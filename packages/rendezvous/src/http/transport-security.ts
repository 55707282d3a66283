import { isIP } from 'node:net'

/** 180 days, in seconds. */
const MAX_AGE = 15_552_000
/** Names that mean something else in each network. */
const LOCAL = /(?:^|\.)(?:localhost|local|internal|intranet|lan|home|corp|private|test|invalid|home\.arpa)$/

/**
 * Returns the header that keeps browsers to HTTPS, for a page that was asked for over HTTPS. It holds for all ports of a name,
 * so it is sent only under a public name at the usual port; elsewhere that may be the port of another server.
 *
 * @param host - the Host header
 */
export function strictTransportSecurity(host: string | undefined): string | undefined {
  const name = host?.toLowerCase().replace(/:443$/, '').replace(/\.$/, '')
  if (name === undefined || name.includes(':') || !name.includes('.') || isIP(name) !== 0) return undefined
  return LOCAL.test(name) ? undefined : `max-age=${MAX_AGE}`
}
