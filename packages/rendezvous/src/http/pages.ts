import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from 'prom-client'
import type { Admin } from './admin.js'
import { answer, answerJson } from './answer.js'
import { HtmlDocument, serveAssets } from './documents.js'
import { multiaddrForHost } from './shown-address.js'
import type { StatusFeed } from './status-feed.js'
import type { ServerState } from './status-messages.js'

export interface PagesOptions {
  /** Where the server speaks HTTPS itself. */
  secure: boolean
  /** The first address the operator named, if any. */
  publicAddress: string | undefined
  /** What to show if neither that nor the Host header names an address. */
  fallbackAddress: () => string
  /** Whether new clients are served, by all nodes of the star if it has several. */
  state: () => ServerState
  /** Undefined when metrics are off. @param hasDetails - with names of nodes and versions */
  metrics: ((hasDetails: boolean) => Registry) | undefined
  /** Names of nodes and versions are for operators. */
  privateDetails: boolean
  /** What the status page shows; when metrics are off, to operators only. */
  feed: StatusFeed
  /** Undefined without a token. */
  admin: Admin | undefined
  /** Whether there is one at `/try`. */
  playground: boolean
}

/** Answers every HTTP request that is not for socket.io. */
export function createPages(options: PagesOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const statusPage = new HtmlDocument('index.html')
  const playground = new HtmlDocument('try.html')
  const assets = serveAssets()
  const addressFor = ({ headers }: IncomingMessage): string =>
    options.publicAddress ?? multiaddrForHost(headers.host, options.secure) ?? options.fallbackAddress()

  const hasDetails = (request: IncomingMessage): boolean =>
    !options.privateDetails || options.admin?.isOperator(request) === true

  function events(request: IncomingMessage, response: ServerResponse): void {
    if (options.metrics === undefined) {
      if (options.admin === undefined) return notFound(response)
      if (options.admin.admits(request, response)) options.feed.open(request, response, true)
      return
    }
    options.feed.open(request, response, hasDetails(request))
  }

  return (request, response) => {
    const path = request.url?.split('?', 1)[0] ?? '/'
    if (options.admin !== undefined && path.startsWith('/admin/')) {
      return options.admin.handle(request, response, new URL(request.url ?? '/', 'http://server'))
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(response, 405, 'text/plain', 'Only GET and HEAD are answered here.\n', { allow: 'GET, HEAD' })
    }
    switch (path) {
      case '/':
        return statusPage.send(request, response, {
          multiaddr: addressFor(request),
          playground: options.playground ? 'on' : 'off',
          figures: options.metrics === undefined ? 'admin' : 'all',
          admin: options.admin === undefined ? 'off' : 'on'
        })
      case '/try':
        if (!options.playground) return notFound(response)
        return playground.send(request, response, {})
      case '/events':
        return events(request, response)
      case '/health':
        return answerJson(response, 200, { status: 'ok' })
      case '/ready': {
        const status = options.state()
        return answerJson(response, status === 'ready' ? 200 : 503, { status })
      }
      case '/metrics':
        if (options.metrics === undefined) return notFound(response)
        void answerMetrics(response, options.metrics(hasDetails(request)))
        return
      default:
        if (path.startsWith('/assets/')) return assets(request, response, () => notFound(response))
        return notFound(response)
    }
  }
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
