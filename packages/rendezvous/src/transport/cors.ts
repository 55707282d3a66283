import type { IncomingMessage } from 'node:http'

/** An origin that may be repeated in a header. */
const ORIGIN = /^[\x21-\x7e]{1,256}$/

/** Returns headers that let the page that sent a request read its answer; none if no page sent it. */
export function readableBySender({ headers: { origin } }: IncomingMessage): Record<string, string> {
  if (origin === undefined || !ORIGIN.test(origin)) return {}
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'Origin' }
}
