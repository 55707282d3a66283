import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from '../registry/registry.js'
import type { Router } from '../relay/router.js'
import type { Logger } from '../logger.js'
import type { Counters } from '../stats.js'
import type { Budget } from '../budget/budget.js'
import { closeAfter } from '../transport/last-answer.js'
import { listAddresses } from './address-list.js'
import { answer, answerJson } from './answer.js'
import { listPeers, sessionsOf } from './peer-list.js'
import { WrongTokens } from './wrong-tokens.js'

export interface AdminOptions {
  token: string
  registry: Registry
  router: Router
  budget: Budget
  counters: Counters
  logger: Pick<Logger, 'info' | 'warn'> | undefined
  /** Returns the client's IP address, as reported by trusted proxies. */
  addressOf: (request: IncomingMessage) => string
  drain: () => void
  /** Cancels the drain that an operator requested. @returns false if there is none */
  cancelDrain: () => boolean
  /** Milliseconds before a wrong token is answered. Default 1,000. */
  delay?: number
}

/** Maximum bytes of a request body, which contains a peer id or an address. */
const MAX_BODY = 4_096
/** Length of the end of a peer id that is logged. */
const PEER_END = 8

/** The operators' API. Every request carries the admin token, in the header `Authorization: Bearer …` or `X-Admin-Token`. */
export class Admin {
  readonly #options: AdminOptions
  readonly #token: Buffer
  readonly #wrongTokens: WrongTokens

  constructor(options: AdminOptions) {
    this.#options = options
    this.#token = digest(options.token)
    this.#wrongTokens = new WrongTokens(options.delay)
  }

  handle(request: IncomingMessage, response: ServerResponse, url: URL): void {
    if (!this.admits(request, response)) return
    const { method = '' } = request
    const route = `${method === 'HEAD' ? 'GET' : method} ${url.pathname}`
    switch (route) {
      case 'GET /admin/peers':
        return answerJson(
          response,
          200,
          listPeers(this.#options.registry, this.#options.router, url.searchParams.get('find') ?? '')
        )
      case 'GET /admin/addresses':
        return answerJson(response, 200, listAddresses(this.#options.budget))
      case 'POST /admin/disconnect':
        return void this.#disconnect(request, response)
      case 'POST /admin/drain':
        answerJson(response, 202, { status: 'draining' })
        this.#log(request, {}, 'an operator drains this server, which stops then')
        return this.#options.drain()
      case 'DELETE /admin/drain':
        if (!this.#options.cancelDrain()) {
          return answerJson(response, 409, { error: 'no drain that an operator has asked for is in progress' })
        }
        this.#log(request, {}, 'an operator cancels the drain')
        return answerJson(response, 200, { status: 'ready' })
      default:
        return answerJson(response, 404, { error: 'unknown action' })
    }
  }

  /** Returns whether a request has an admin token, right or wrong. */
  hasToken(request: IncomingMessage): boolean {
    return tokenOf(request) !== undefined || /^Bearer\b/.test(request.headers.authorization ?? '')
  }

  isOperator(request: IncomingMessage): boolean {
    const token = tokenOf(request)
    return token !== undefined && timingSafeEqual(digest(token), this.#token)
  }

  /** Returns whether a request has the admin token. If not, answers the request. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.isOperator(request)) return true
    const { addressOf, counters, logger } = this.#options
    counters.refuse('admin token', () => ({ ip: addressOf(request), offered: request.url?.split('?', 1)[0] }))
    const refuse = () =>
      answer(
        response,
        401,
        'text/plain',
        'This requires the admin token, sent as "Authorization: Bearer TOKEN" or "X-Admin-Token: TOKEN".\n',
        {
          'www-authenticate': 'Bearer'
        }
      )
    if (tokenOf(request) === undefined) {
      refuse()
      return false
    }
    const ip = addressOf(request)
    logger?.warn({ ip }, 'refused a wrong admin token')
    if (!this.#wrongTokens.delay(ip, response, refuse)) {
      closeAfter(response)
      answer(response, 429, 'text/plain', 'Too many wrong tokens: try again in 5 seconds.\n', { 'retry-after': '5' })
    }
    return false
  }

  #log(request: IncomingMessage, details: object, message: string): void {
    this.#options.logger?.info({ ip: this.#options.addressOf(request), ...details }, message)
  }

  async #disconnect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = await readPeer(request)
    if (peer === undefined) return answerJson(response, 400, { error: 'send {"peer":"…"} as application/json' })
    const entry = this.#options.registry.byKey(peer)
    const sessions = entry === undefined ? [] : sessionsOf(entry)
    if (sessions.length === 0) return answerJson(response, 404, { error: 'no session of this peer on this node' })
    for (const session of sessions) session.close('operator')
    this.#log(request, { peer: peer.slice(-PEER_END), sessions: sessions.length }, 'an operator disconnects a peer')
    answerJson(response, 200, { disconnected: sessions.length })
  }
}

/** Returns the token of a request. `X-Admin-Token` is for servers behind a proxy that uses the Authorization header itself. */
function tokenOf({ headers }: IncomingMessage): string | undefined {
  const own = headers['x-admin-token']
  return own === undefined || own === '' ? /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] : String(own)
}

/** Hashes a token, so that the time of a comparison does not depend on its length. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

async function readPeer(request: IncomingMessage): Promise<string | undefined> {
  if (request.headers['content-type']?.split(';', 1)[0] !== 'application/json') return undefined
  try {
    const parts: Buffer[] = []
    let size = 0
    // Without an encoding, a request is read as buffers.
    for await (const part of request as AsyncIterable<Buffer>) {
      size += part.length
      if (size > MAX_BODY) return undefined
      parts.push(part)
    }
    const body: unknown = JSON.parse(Buffer.concat(parts).toString())
    if (typeof body !== 'object' || body === null || !('peer' in body)) return undefined
    return typeof body.peer === 'string' ? body.peer : undefined
  } catch {
    return undefined
  }
}
