import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressAccount } from '../budget/address-account.js'
import type { Proxies } from '../pacing/proxies.js'
import type { Counters } from '../stats.js'
import { closeAfter } from '../transport/last-answer.js'
import type { Admin } from './admin.js'
import { answer, answerJson } from './answer.js'
import { Assets } from './assets.js'
import { HtmlDocument, PAGES_FOLDER } from './documents.js'
import type { MetricsText } from './metrics-text.js'
import { multiaddrForHost } from './shown-address.js'
import type { StatusFeed } from './status-feed.js'
import type { ServerState } from './status-messages.js'
import { strictTransportSecurity } from './transport-security.js'

export interface PagesOptions {
  /** Whether the server itself speaks HTTPS. */
  secure: boolean
  /** Whether everything under the server's names is served by this server, which may then require HTTPS for them. */
  ownsHost: boolean
  publicAddress: string | undefined
  requestedAt: Proxies['requestedAt']
  /** Returns the address shown if neither `publicAddress` nor the Host header gives one. */
  fallbackAddress: () => string
  state: () => ServerState
  /** @param hasDetails - includes names of nodes and versions */
  metrics: (hasDetails: boolean) => MetricsText
  /** Whether everybody sees the metrics and the figures of the status page, or only operators. */
  publicFigures: boolean
  /** Whether only operators see names of nodes and versions. */
  privateDetails: boolean
  feed: StatusFeed
  /** The operators' API; undefined if no admin token is set. */
  admin: Admin | undefined
  playground: boolean
  /** Returns the account of the client's IP address. */
  accountOf: (request: IncomingMessage) => AddressAccount
  /** Whether only TCP connections reserved for operators are left. Then each connection is closed after its answer. */
  isShort: () => boolean
  counters: Pick<Counters, 'refuse'>
}

const ASSETS = '/assets/'

/** Paths that answer every method that load balancers use for checks. */
const PROBES: ReadonlySet<string> = new Set(['/health', '/ready'])

/** Returns a handler for every HTTP request except those of socket.io. */
export function createPages(options: PagesOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const statusPage = new HtmlDocument('index.html')
  const playground = new HtmlDocument('try.html')
  const assets = new Assets(new URL(ASSETS.slice(1), PAGES_FOLDER))
  const addressFor = (request: IncomingMessage): string => {
    const { host, secure = options.secure } = options.requestedAt(request)
    return options.publicAddress ?? multiaddrForHost(host, secure) ?? options.fallbackAddress()
  }

  const hasDetails = (request: IncomingMessage): boolean =>
    !options.privateDetails || options.admin?.isOperator(request) === true

  function events(request: IncomingMessage, response: ServerResponse): void {
    const { admin, publicFigures } = options
    if (!publicFigures && admin === undefined) return notFound(response)
    const isOperator = admin !== undefined && (!publicFigures || admin.hasToken(request))
    if (isOperator && !admin.admits(request, response)) return
    options.feed.open(request, response, {
      account: options.accountOf(request),
      isOperator,
      hasDetails: isOperator || !options.privateDetails
    })
  }

  function metrics(request: IncomingMessage, response: ServerResponse): void {
    const { admin, publicFigures } = options
    if (!publicFigures) {
      if (admin === undefined) return notFound(response)
      if (!admin.admits(request, response)) return
    }
    options.metrics(hasDetails(request)).send(response, options.accountOf(request).exempt)
  }

  /** Charges a request to its IP address. @returns false if the address exceeds its budget; the request has then been answered */
  function charge(request: IncomingMessage, response: ServerResponse): boolean {
    const account = options.accountOf(request)
    account.charge('request')
    if (options.isShort()) closeAfter(response)
    if (!account.isOverBudget || options.admin?.isOperator(request) === true) return true
    options.counters.refuse('rate limit', () => ({
      ip: account.network,
      offered: request.url?.split('?', 1)[0],
      option: '--max-work-per-ip'
    }))
    closeAfter(response)
    answer(response, 429, 'text/plain', 'Too many requests from this address: slow down.\n', {
      'retry-after': String(Math.ceil(account.debt / 1_000))
    })
    return false
  }

  return (request, response) => {
    if (!charge(request, response)) return
    const security = options.secure && options.ownsHost ? strictTransportSecurity(request.headers.host) : undefined
    if (security !== undefined) response.setHeader('strict-transport-security', security)
    const path = request.url?.split('?', 1)[0] ?? '/'
    if (options.admin !== undefined && path.startsWith('/admin/')) {
      return options.admin.handle(request, response, new URL(request.url ?? '/', 'http://server'))
    }
    const allow = { allow: 'GET, HEAD, OPTIONS' }
    // HAProxy checks by OPTIONS unless told otherwise.
    if (request.method === 'OPTIONS' && !PROBES.has(path)) {
      response.writeHead(204, allow).end()
      return
    }
    if (request.method !== 'GET' && request.method !== 'HEAD' && request.method !== 'OPTIONS') {
      return answer(response, 405, 'text/plain', 'Only GET, HEAD and OPTIONS are supported here.\n', allow)
    }
    switch (path) {
      case '/':
        return statusPage.send(request, response, {
          multiaddr: addressFor(request),
          playground: options.playground ? 'on' : 'off',
          figures: options.publicFigures ? 'all' : 'admin',
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
        return metrics(request, response)
      default:
        if (path.startsWith(ASSETS) && assets.send(path.slice(ASSETS.length), request, response)) return
        return notFound(response)
    }
  }
}

function notFound(response: ServerResponse): void {
  answer(
    response,
    404,
    'text/plain',
    'Not found. Clients connect to /socket.io/; the page at / shows the address to give them.\n'
  )
}
