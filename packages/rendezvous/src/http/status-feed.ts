import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressAccount } from '../budget/address-account.js'
import type { Counters, RendezvousStats } from '../stats.js'
import { withAliases } from './node-alias.js'
import type { Reading, Reasons, ServerState, StatusMessages } from './status-messages.js'

export interface StatusFeedOptions {
  stats: () => RendezvousStats
  state: () => ServerState
  version: string
  /** Status pages that may be open at once. */
  maxClients: number
  counters: Pick<Counters, 'refuse'>
}

export interface Viewer {
  account: AddressAccount
  /** Whether the admin token was sent. */
  isOperator: boolean
  /** Whether names of nodes and the version are shown. */
  hasDetails: boolean
}

/** Milliseconds between two readings. */
const INTERVAL = 1_000
/** Readings kept for pages that open later: ten minutes. */
const HISTORY = 600
/** Unread bytes above which a page is disconnected. */
const MAX_UNREAD = 262_144
/** Pages without the admin token per IP address. */
const MAX_PER_IP = 8
/** Seconds after which a refused page may try again. */
const RETRY_AFTER = '10'

/** Messages that are sent again only after a change. */
type StateMessages = Omit<StatusMessages, 'hello' | 'reading'>

/** Pages that get the same messages. */
interface Audience {
  readonly hasDetails: boolean
  readonly clients: Map<ServerResponse, Viewer>
  /** The last message of each kind, encoded. */
  readonly last: Map<keyof StateMessages, string>
}

/**
 * Event stream of all status pages. The server's figures are read once a second even while no page is open, so that a new page gets
 * a history. Each message is encoded once for all pages.
 */
export class StatusFeed {
  readonly #options: StatusFeedOptions
  #startedAt = 0
  readonly #strangers: Audience = { hasDetails: false, clients: new Map(), last: new Map() }
  readonly #operators: Audience = { hasDetails: true, clients: new Map(), last: new Map() }
  readonly #audiences = [this.#strangers, this.#operators]
  readonly #history: Reading[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: StatusFeedOptions) {
    this.#options = options
  }

  start(): void {
    this.#startedAt = performance.now()
    this.#timer = setInterval(() => this.#tick(), INTERVAL).unref()
    this.#tick()
  }

  get size(): number {
    return this.#audiences.reduce((sum, { clients }) => sum + clients.size, 0)
  }

  /** Answers with the event stream, or with 503 if too many pages are open. An operator's page replaces one of another visitor. */
  open(request: IncomingMessage, response: ServerResponse, viewer: Viewer): void {
    if (!this.#hasRoomFor(viewer)) {
      this.#options.counters.refuse('status pages', () => ({ ip: viewer.account.network }))
      response.writeHead(503, { 'retry-after': RETRY_AFTER, 'cache-control': 'no-store' }).end()
      return
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // Keeps nginx from buffering the events.
      'x-accel-buffering': 'no'
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const { clients, last } = viewer.hasDetails ? this.#operators : this.#strangers
    clients.set(response, viewer)
    response.once('close', () => clients.delete(response))
    const uptime = Math.round(performance.now() - this.#startedAt)
    const version = viewer.hasDetails ? this.#options.version : undefined
    const hello = { version, uptime, history: this.#history }
    response.write(encode('hello', hello) + [...last.values()].join(''))
  }

  close(): void {
    clearInterval(this.#timer)
    for (const { clients } of this.#audiences) for (const response of clients.keys()) response.end()
  }

  #hasRoomFor({ account, isOperator }: Viewer): boolean {
    const clients = this.#audiences.flatMap(({ clients }) => [...clients])
    const isFull = clients.length >= this.#options.maxClients
    if (!isOperator) {
      const own = clients.filter(([, other]) => !other.isOperator && other.account === account)
      return !isFull && (account.exempt || own.length < MAX_PER_IP)
    }
    if (!isFull) return true
    const [oldest] = clients.find(([, other]) => !other.isOperator) ?? []
    if (oldest === undefined) return false
    for (const { clients } of this.#audiences) clients.delete(oldest)
    oldest.destroy()
    return true
  }

  #tick(): void {
    const stats = this.#options.stats()
    const reading = readingOf(stats)
    this.#history.push(reading)
    if (this.#history.length > HISTORY) this.#history.shift()
    for (const audience of this.#audiences) this.#tell(audience, stats, reading)
  }

  #tell({ hasDetails, clients, last }: Audience, stats: RendezvousStats, reading: Reading): void {
    const { cluster } = stats
    const shown = cluster === undefined || hasDetails ? cluster : withAliases(cluster)
    const text =
      changed(last, 'state', this.#options.state()) +
      changed(last, 'reasons', reasonsOf(stats)) +
      changed(last, 'work', workOf(stats)) +
      changed(last, 'cluster', shown ?? null) +
      encode('reading', reading)
    for (const response of clients.keys()) {
      response.write(text)
      if (response.writableLength > MAX_UNREAD) response.destroy()
    }
  }
}

/** Encodes a message, or returns an empty text if it equals the last one of its kind. */
function changed<Name extends keyof StateMessages>(
  last: Audience['last'],
  name: Name,
  value: StateMessages[Name]
): string {
  const text = encode(name, value)
  if (last.get(name) === text) return ''
  last.set(name, text)
  return text
}

function encode(name: keyof StatusMessages, value: StatusMessages[keyof StatusMessages]): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`
}

function readingOf(stats: RendezvousStats): Reading {
  const { peers, sessions, streams, pausedSenders, bufferedBytes, relayed, joins, dials } = stats
  const counts = [relayed.bytes, joins.total, dials.total] as const
  const { connections, slowed, receivedBytes } = stats
  return [
    Date.now(),
    peers,
    sessions,
    streams,
    pausedSenders,
    bufferedBytes,
    ...counts,
    connections,
    slowed,
    receivedBytes
  ]
}

function workOf({ work }: RendezvousStats): StatusMessages['work'] {
  return Object.fromEntries(Object.entries(work).map(([kind, time]) => [kind, Math.round(time)]))
}

function reasonsOf({ joins, dials, refused, dropped, closed, reset, paused }: RendezvousStats): Reasons {
  return { joins, dials, refused, dropped, closed, reset, paused }
}
