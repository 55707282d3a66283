import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AddressAccount } from '../budget/address-account.js'
import type { Budget } from '../budget/budget.js'
import { HostCheck } from '../names/host-check.js'
import type { Origins } from '../names/origins.js'
import type { OwnNames } from '../names/own-names.js'
import type { Proxies } from '../pacing/proxies.js'
import { readableBySender } from '../transport/cors.js'
import { closeAfter } from '../transport/last-answer.js'
import { refuseUpgrade } from '../transport/refused-upgrade.js'
import type { Counters, RefusalReason } from '../stats.js'
import { ENGINE_PATH } from '../transport/engine.js'
import { answer } from './answer.js'

export interface GateOptions {
  names: OwnNames
  proxies: Proxies
  origins: Origins
  counters: Counters
  budget: Budget
  /** Whether the server itself speaks HTTPS. */
  secure: boolean
}

interface RequestHandlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

interface HttpRefusal {
  reason: RefusalReason
  status: 400 | 403 | 421
  text: string
}

/** Maximum length of an origin in the text of a refusal. */
const ORIGIN_MAX_LENGTH = 100

/** Refuses requests of web pages that may not use the server, before anything else handles them. */
export class Gate {
  readonly #options: GateOptions
  readonly #hosts: HostCheck

  constructor(options: GateOptions) {
    this.#options = options
    this.#hosts = new HostCheck({ ...options, isStrict: options.origins.isOwnOnly })
  }

  /** Wraps handlers so that they get admitted requests only. */
  before({ request, upgrade }: RequestHandlers): RequestHandlers {
    return {
      request: (incoming, response) => {
        const refusal = this.#refusalOf(incoming)
        if (refusal === undefined) return request(incoming, response)
        this.#report(refusal, incoming)
        if (this.#charge(incoming).isOverBudget) closeAfter(response)
        const cors = asksForReason(incoming) ? readableBySender(incoming) : {}
        answer(response, refusal.status, 'text/plain', refusal.text, cors)
      },
      upgrade: (incoming, socket, head) => {
        const refusal = this.#refusalOf(incoming)
        if (refusal === undefined) return upgrade(incoming, socket, head)
        this.#report(refusal, incoming)
        this.#charge(incoming)
        refuseUpgrade(socket, refusal.status, refusal.text)
      }
    }
  }

  #report({ reason }: HttpRefusal, request: IncomingMessage): void {
    const { counters, proxies, origins } = this.#options
    const { headers, method, url = '' } = request
    counters.refuse(reason, () => ({
      ip: proxies.remoteOf(request).ip,
      offered: `${method} ${url.split('?', 1)[0]}`,
      host: headers.host,
      origin: headers.origin,
      ...(reason === 'host' && origins.isOwnOnly ? { option: '--allowed-origin self' } : {})
    }))
  }

  #charge(request: IncomingMessage): AddressAccount {
    const { budget, proxies } = this.#options
    const account = budget.addressOf(proxies.remoteOf(request))
    account.charge('request')
    return account
  }

  #refusalOf(request: IncomingMessage): HttpRefusal | undefined {
    const { url = '/' } = request
    const { origins } = this.#options
    if (this.#hosts.refuses(request)) {
      const text =
        'This server does not know the name in the Host header. If the name is right, start the server with an address ' +
        'that has it, such as --public-address /dns4/star.example.com/tcp/443/wss/p2p-websocket-star\n'
      return { reason: 'host', status: 421, text }
    }
    const isEngine = isForEngine(request)
    // Any web page can poll by JSONP and read the answers: browsers send no Origin header for scripts.
    if (isEngine && new URL(url, 'http://server').searchParams.has('j')) {
      return { reason: 'jsonp', status: 400, text: 'JSONP is not served: use XMLHttpRequest, fetch or a WebSocket.\n' }
    }
    const isChecked = isEngine || (origins.isOwnOnly && (url.startsWith('/admin/') || url.startsWith('/events')))
    if (!isChecked || origins.admits(request)) return undefined
    return { reason: 'origin', status: 403, text: originText(request) }
  }
}

/**
 * Returns whether a request only asks why a WebSocket was refused: it is for a WebSocket, but no upgrade. Browsers hide this reason
 * from pages, so clients send such a request, which can open no session. Their answers are the only ones
 * that a page which may not use the server can read.
 */
function asksForReason(request: IncomingMessage): boolean {
  if (!isForEngine(request) || request.method !== 'GET') return false
  const { searchParams } = new URL(request.url ?? '/', 'http://server')
  return searchParams.get('transport') === 'websocket' && !searchParams.has('sid')
}

function isForEngine({ url = '/' }: IncomingMessage): boolean {
  return url.startsWith(ENGINE_PATH)
}

function originText({ headers: { origin } }: IncomingMessage): string {
  if (origin === undefined)
    return 'Origin is not allowed: a web page sent this request without an Origin header. Use fetch or a WebSocket.\n'
  const shown = origin.slice(0, ORIGIN_MAX_LENGTH)
  return `Origin is not allowed: start the server with --allowed-origin ${shown} to admit pages of ${shown}\n`
}
