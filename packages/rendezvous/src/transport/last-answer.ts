import type { ServerResponse } from 'node:http'

/** Closes the connection after a response whose headers have not been sent yet. */
export function closeAfter(response: ServerResponse): void {
  response.setHeader('connection', 'close')
  response.shouldKeepAlive = false
}
