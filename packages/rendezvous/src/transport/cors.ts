import type { IncomingMessage } from 'node:http'

/** Origins that are safe to repeat in a header. */
const ORIGIN = /^[\x21-\x7e]{1,256}$/

/** Returns headers that let the web page that sent a request read the answer; none if no web page sent it. */
export function readableBySender({ headers: { origin } }: IncomingMessage): Record<string, string> {
  if (origin === undefined || !ORIGIN.test(origin)) return {}
  return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'Origin' }
}
