import type { ServerResponse } from 'node:http'

/** Makes an answer, whose headers have not been written, the last one of its connection. */
export function closeAfter(response: ServerResponse): void {
  response.setHeader('connection', 'close')
  response.shouldKeepAlive = false
}
