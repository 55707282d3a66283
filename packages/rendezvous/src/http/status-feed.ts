import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RendezvousStats } from '../stats.js'
import { withAliases } from './node-alias.js'
import type { Reading, Reasons, ServerState, StatusMessages } from './status-messages.js'

export interface StatusFeedOptions {
  stats: () => RendezvousStats
  state: () => ServerState
  version: string
  /** Pages that may listen at once. */
  maxClients: number
}

/** Milliseconds between two readings. */
const INTERVAL = 1_000
/** Readings that are kept for pages that open: ten minutes of them. */
const HISTORY = 600
/** Bytes that a page may leave unread before it is let go. */
const MAX_UNREAD = 262_144
/** Seconds after which a page may ask again that found all places taken. */
const RETRY_AFTER = '10'

/** What is told again to pages only when it has changed. */
type Changing = Omit<StatusMessages, 'hello' | 'reading'>

/** Pages that are told the same. */
interface Audience {
  /** It is told names of nodes and the version. */
  readonly hasDetails: boolean
  readonly clients: Set<ServerResponse>
  /** The last message of each kind, as it was sent. */
  readonly last: Map<keyof Changing, string>
}

/**
 * One event stream for all status pages: the server is read once a second whoever listens, and what is told to all is
 * made once.
 */
export class StatusFeed {
  readonly #options: StatusFeedOptions
  #startedAt = 0
  readonly #strangers: Audience = { hasDetails: false, clients: new Set(), last: new Map() }
  readonly #operators: Audience = { hasDetails: true, clients: new Set(), last: new Map() }
  readonly #audiences = [this.#strangers, this.#operators]
  readonly #history: Reading[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: StatusFeedOptions) {
    this.#options = options
  }

  /** Begins to read the server. */
  start(): void {
    this.#startedAt = performance.now()
    this.#timer = setInterval(() => this.#tick(), INTERVAL).unref()
    this.#tick()
  }

  /** Pages that listen. */
  get size(): number {
    return this.#audiences.reduce((sum, { clients }) => sum + clients.size, 0)
  }

  /**
   * Answers a request with the stream, if there is room for one more.
   *
   * @param hasDetails - with names of nodes and the version
   */
  open(request: IncomingMessage, response: ServerResponse, hasDetails: boolean): void {
    if (this.size >= this.#options.maxClients) {
      response.writeHead(503, { 'retry-after': RETRY_AFTER, 'cache-control': 'no-store' }).end()
      return
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // nginx would gather what is to arrive at once.
      'x-accel-buffering': 'no'
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const { clients, last } = hasDetails ? this.#operators : this.#strangers
    clients.add(response)
    response.once('close', () => clients.delete(response))
    const uptime = Math.round(performance.now() - this.#startedAt)
    const version = hasDetails ? this.#options.version : undefined
    const hello = { version, uptime, history: this.#history }
    response.write(encode('hello', hello) + [...last.values()].join(''))
  }

  /** Ends all streams, and reads the server no more. */
  close(): void {
    clearInterval(this.#timer)
    for (const { clients } of this.#audiences) for (const response of clients) response.end()
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
      changed(last, 'cluster', shown ?? null) +
      encode('reading', reading)
    for (const response of clients) {
      response.write(text)
      if (response.writableLength > MAX_UNREAD) response.destroy()
    }
  }
}

/** Encodes a message if it differs from the last one of its kind. */
function changed<Name extends keyof Changing>(last: Audience['last'], name: Name, value: Changing[Name]): string {
  const text = encode(name, value)
  if (last.get(name) === text) return ''
  last.set(name, text)
  return text
}

function encode(name: keyof StatusMessages, value: StatusMessages[keyof StatusMessages]): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`
}

function readingOf({ peers, sessions, streams, held, bufferedBytes, relayed, joins, dials }: RendezvousStats): Reading {
  return [Date.now(), peers, sessions, streams, held, bufferedBytes, relayed.bytes, joins.total, dials.total]
}

function reasonsOf({ joins, dials, refused, dropped, closed, reset, paused }: RendezvousStats): Reasons {
  return { joins, dials, refused, dropped, closed, reset, paused }
}
