import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressAccount } from '../budget/address-account.js'
import type { Counters } from '../stats.js'
import { closeAfter } from '../transport/last-answer.js'
import type { Admin } from './admin.js'
import { answer, answerJson } from './answer.js'
import { Assets } from './assets.js'
import { FOLDER, HtmlDocument } from './documents.js'
import type { MetricsText } from './metrics-text.js'
import { multiaddrForHost } from './shown-address.js'
import type { StatusFeed } from './status-feed.js'
import type { ServerState } from './status-messages.js'
import { strictTransportSecurity } from './transport-security.js'

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
  metrics: ((hasDetails: boolean) => MetricsText) | undefined
  /** Names of nodes and versions are for operators. */
  privateDetails: boolean
  /** What the status page shows; when metrics are off, to operators only. */
  feed: StatusFeed
  /** Undefined without a token. */
  admin: Admin | undefined
  /** Whether there is one at `/try`. */
  playground: boolean
  /** Returns the account of the address that a request comes from. */
  accountOf: (request: IncomingMessage) => AddressAccount
  /** Few connections are left: those that have been answered end, and the rest is for operators. */
  isShort: () => boolean
  counters: Pick<Counters, 'refuse'>
}

const ASSETS = '/assets/'

/** Answers every HTTP request that is not for socket.io. */
export function createPages(options: PagesOptions): (request: IncomingMessage, response: ServerResponse) => void {
  const statusPage = new HtmlDocument('index.html')
  const playground = new HtmlDocument('try.html')
  const assets = new Assets(new URL(ASSETS.slice(1), FOLDER))
  const addressFor = ({ headers }: IncomingMessage): string =>
    options.publicAddress ?? multiaddrForHost(headers.host, options.secure) ?? options.fallbackAddress()

  const hasDetails = (request: IncomingMessage): boolean =>
    !options.privateDetails || options.admin?.isOperator(request) === true

  function events(request: IncomingMessage, response: ServerResponse): void {
    const { admin, metrics } = options
    if (metrics === undefined && admin === undefined) return notFound(response)
    const isOperator = admin !== undefined && (metrics === undefined || request.headers.authorization !== undefined)
    if (isOperator && !admin.admits(request, response)) return
    options.feed.open(request, response, {
      account: options.accountOf(request),
      isOperator,
      hasDetails: isOperator || !options.privateDetails
    })
  }

  /** Charges a request to its address. @returns false if that owes too much: the request has been answered */
  function isAfforded(request: IncomingMessage, response: ServerResponse): boolean {
    const account = options.accountOf(request)
    account.charge('request')
    if (options.isShort()) closeAfter(response)
    if (!account.owes || options.admin?.isOperator(request) === true) return true
    options.counters.refuse('rate limit')
    closeAfter(response)
    answer(response, 429, 'text/plain', 'Too many requests from this address.\n', {
      'retry-after': String(Math.ceil(account.debt / 1_000))
    })
    return false
  }

  return (request, response) => {
    if (!isAfforded(request, response)) return
    const security = options.secure ? strictTransportSecurity(request.headers.host) : undefined
    if (security !== undefined) response.setHeader('strict-transport-security', security)
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
        return options.metrics(hasDetails(request)).send(response, options.accountOf(request).exempt)
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
    'Nothing here. Clients connect to /socket.io/; see / for the address to give them.\n'
  )
}
