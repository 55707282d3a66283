import { createServer, request, type IncomingHttpHeaders, type RequestListener, type RequestOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface Answer {
  status: number | undefined
  headers: IncomingHttpHeaders
  body: string
  /** The same, as it came. */
  bytes: Buffer
}

/** Sends one request; unlike fetch it sends any Host header and leaves the path as it is. */
export type Ask = (path: string, options?: RequestOptions & { body?: string }) => Promise<Answer>

/** Serves until the test is over. */
export async function serve(listener: RequestListener): Promise<Ask> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo // it does not listen on a pipe
  return async (path, { body: sent, ...options } = {}) =>
    await new Promise((resolve, reject) => {
      request({ port, host: '127.0.0.1', path, agent: false, ...options }, (response) => {
        const { statusCode: status, headers } = response
        buffer(response).then((bytes) => resolve({ status, headers, body: bytes.toString(), bytes }), reject)
      })
        .once('error', reject)
        .end(sent)
    })
}
