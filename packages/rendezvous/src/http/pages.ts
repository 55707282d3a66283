import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import { FRONT_PAGE_POLICY, frontPage, multiaddrForHost } from './front-page.js'

export interface PagesOptions {
  /** Where the server speaks HTTPS itself. */
  secure: boolean
  /** The first address the operator named, if any. */
  publicAddress: string | undefined
  /** What to show if neither that nor the Host header names an address. */
  fallbackAddress: () => string
  /** Whether new clients are served, by all nodes of the star if it has several. */
  state: () => 'ready' | 'draining' | 'fenced'
  /** Undefined when metrics are off. */
  metrics: Registry | undefined
}

/** Answers every HTTP request that is not for socket.io. */
export function createPages(options: PagesOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, 'text/plain', 'Only GET and HEAD are answered here.\n', { allow: 'GET, HEAD' })
    }
    switch (request.url?.split('?', 1)[0]) {
      case '/': {
        const multiaddr =
          options.publicAddress ?? multiaddrForHost(request.headers.host, options.secure) ?? options.fallbackAddress()
        return answer(response, 200, 'text/html', frontPage(multiaddr), {
          'content-security-policy': FRONT_PAGE_POLICY,
          'referrer-policy': 'no-referrer'
        })
      }
      case '/health':
        return answer(response, 200, 'application/json', '{"status":"ok"}\n')
      case '/ready':
        return answerState(response, options.state())
      case '/metrics':
        if (options.metrics === undefined) return notFound(response)
        void answerMetrics(response, options.metrics)
        return
      default:
        return notFound(response)
    }
  }
}

function answerState(response: ServerResponse, state: string): void {
  answer(response, state === 'ready' ? 200 : 503, 'application/json', `${JSON.stringify({ status: state })}\n`)
}

async function answerMetrics(response: ServerResponse, metrics: Registry): Promise<void> {
  try {
    answer(response, 200, metrics.contentType, await metrics.metrics())
  } catch {
    answer(response, 500, 'text/plain', 'The metrics could not be read.\n')
  }
}

function notFound(response: ServerResponse): void {
  answer(
    response,
    404,
    'text/plain',
    'Nothing here. Clients connect to /socket.io/; see / for the address to give them.\n'
  )
}

function answer(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Record<string, string> = {}
): void {
  response.writeHead(status, {
    'content-type': type.includes('charset') ? type : `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers
  })
  // Node leaves the body out of the answer to HEAD.
  response.end(body)
}
