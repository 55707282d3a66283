import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Registry } from '../registry/registry.js'
import type { Router } from '../relay/router.js'
import type { Counters } from '../stats.js'
import { answer, answerJson } from './answer.js'
import { FailedAttempts } from './failed-attempts.js'
import { listPeers, sessionsOf } from './peer-list.js'

export interface AdminOptions {
  token: string
  registry: Registry
  router: Router
  counters: Counters
  /** The address a request comes from, behind proxies that are trusted. */
  addressOf: (request: IncomingMessage) => string
  /** Begins to empty the server, which then stops. */
  drain: () => void
}

/** Bytes of what is asked for: a peer id, or an address in place of one. */
const MAX_BODY = 4_096

/** What operators may see and do. Each request names the token in its Authorization header, and nothing else opens. */
export class Admin {
  readonly #options: AdminOptions
  readonly #token: Buffer
  readonly #failures = new FailedAttempts()

  constructor(options: AdminOptions) {
    this.#options = options
    this.#token = digest(options.token)
  }

  /** Answers what is below `/admin/`. */
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
      case 'POST /admin/disconnect':
        return void this.#disconnect(request, response)
      case 'POST /admin/drain':
        answerJson(response, 202, { status: 'draining' })
        return this.#options.drain()
      default:
        return answerJson(response, 404, { error: 'there is no such action' })
    }
  }

  /** Whether a request names the token, where others are answered too. */
  isOperator(request: IncomingMessage): boolean {
    return this.#look(request) === 'right'
  }

  /** Whether a request names the token; if not, it has been answered. */
  admits(request: IncomingMessage, response: ServerResponse): boolean {
    const found = this.#look(request)
    if (found === 'too many') {
      this.#options.counters.refuse('rate limit')
      answer(response, 429, 'text/plain', 'Too many wrong tokens: wait a little.\n', { 'retry-after': '5' })
      return false
    }
    if (found === 'right') return true
    this.#options.counters.refuse('admin token')
    answer(response, 401, 'text/plain', 'This needs the admin token.\n', { 'www-authenticate': 'Bearer' })
    return false
  }

  #look(request: IncomingMessage): 'right' | 'wrong' | 'none' | 'too many' {
    const ip = this.#options.addressOf(request)
    const now = performance.now()
    const given = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1]
    if (given === undefined) return 'none'
    if (!this.#failures.mayTry(ip, now)) return 'too many'
    if (timingSafeEqual(digest(given), this.#token)) return 'right'
    this.#failures.note(ip, now)
    return 'wrong'
  }

  async #disconnect(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const peer = await readPeer(request)
    if (peer === undefined) return answerJson(response, 400, { error: 'name one peer: {"peer":"…"}, as JSON' })
    const entry = this.#options.registry.byKey(peer)
    const sessions = entry === undefined ? [] : sessionsOf(entry)
    if (sessions.length === 0) return answerJson(response, 404, { error: 'this node has no such peer' })
    for (const session of sessions) session.close('operator')
    answerJson(response, 200, { disconnected: sessions.length })
  }
}

/** Of equal length whatever was given, so that the comparison takes as long. */
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
