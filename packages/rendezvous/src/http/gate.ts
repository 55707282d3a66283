import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AddressAccount } from '../budget/address-account.js'
import type { Budget } from '../budget/budget.js'
import { HostCheck } from '../names/host-check.js'
import type { Origins } from '../names/origins.js'
import type { OwnNames } from '../names/own-names.js'
import type { Proxies } from '../pacing/proxies.js'
import { closeAfter } from '../transport/last-answer.js'
import type { Counters, RefusalReason } from '../stats.js'
import { ENGINE_PATH } from '../transport/engine.js'
import { answer } from './answer.js'

export interface GateOptions {
  names: OwnNames
  proxies: Proxies
  origins: Origins
  counters: Counters
  budget: Budget
  /** The server speaks HTTPS itself. */
  secure: boolean
}

/** What a gate lets requests through to. */
interface Handlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

interface Refusal {
  reason: RefusalReason
  status: 400 | 403 | 421
  text: string
}

const STATUS_TEXTS = { 400: 'Bad Request', 403: 'Forbidden', 421: 'Misdirected Request' }

/** Turns away web pages that may not use the server, before anything else is done with what they ask for. */
export class Gate {
  readonly #options: GateOptions
  readonly #hosts: HostCheck

  constructor(options: GateOptions) {
    this.#options = options
    this.#hosts = new HostCheck({ ...options, isStrict: options.origins.isOwnOnly })
  }

  /** Returns handlers that see only what may pass. */
  before({ request, upgrade }: Handlers): Handlers {
    return {
      request: (incoming, response) => {
        const refusal = this.#refusalOf(incoming)
        if (refusal === undefined) return request(incoming, response)
        this.#options.counters.refuse(refusal.reason)
        if (this.#charge(incoming).owes) closeAfter(response)
        answer(response, refusal.status, 'text/plain', refusal.text)
      },
      upgrade: (incoming, socket, head) => {
        const refusal = this.#refusalOf(incoming)
        if (refusal === undefined) return upgrade(incoming, socket, head)
        this.#options.counters.refuse(refusal.reason)
        this.#charge(incoming)
        const { status, text } = refusal
        socket.on('error', () => socket.destroy())
        socket.end(
          `HTTP/1.1 ${status} ${STATUS_TEXTS[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n` +
            `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
          () => socket.destroy()
        )
      }
    }
  }

  #charge(request: IncomingMessage): AddressAccount {
    const { budget, proxies } = this.#options
    const account = budget.addressOf(proxies.remoteOf(request))
    account.charge('request')
    return account
  }

  #refusalOf(request: IncomingMessage): Refusal | undefined {
    const { url = '/' } = request
    const { origins } = this.#options
    if (this.#hosts.refuses(request)) {
      const text =
        'This server is not known by the name it was asked for under. If the name is right, tell the server, such as ' +
        '--public-address /dns4/star.example.com/tcp/443/wss/p2p-websocket-star\n'
      return { reason: 'host', status: 421, text }
    }
    const isEngine = url.startsWith(ENGINE_PATH)
    // Whatever loads a script can poll by JSONP, and read the answers: no origin is sent with that.
    if (isEngine && new URL(url, 'http://server').searchParams.has('j')) {
      return { reason: 'jsonp', status: 400, text: 'JSONP is not served: poll by XMLHttpRequest or fetch.\n' }
    }
    const isChecked = isEngine || (origins.isOwnOnly && (url.startsWith('/admin/') || url.startsWith('/events')))
    if (!isChecked || origins.admits(request)) return undefined
    return { reason: 'origin', status: 403, text: 'Origin is not allowed\n' }
  }
}
