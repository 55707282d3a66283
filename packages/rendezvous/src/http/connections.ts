import type { Socket } from 'node:net'
import type { AddressAccount } from '../budget/address-account.js'
import { FairQueue } from '../pacing/fair-queue.js'
import type { OpenFiles } from '../pacing/open-files.js'
import type { Counters } from '../stats.js'
import { HttpConnection } from './http-connection.js'
import { TlsHandshakes } from './tls-handshakes.js'

export interface ConnectionsOptions {
  perIp: number
  /** Undefined if the system does not report its limit of open files. */
  openFiles: OpenFiles | undefined
  counters: Counters
  accountOf: (ip: string) => AddressAccount
  now: () => number
  /** Milliseconds after which idle connections are closed when only connections for operators are left. */
  patience?: number
}

/** Share of the open files that is reserved for operators, and the minimum of reserved files. */
const RESERVE_SHARE = 1 / 16
const MIN_RESERVE = 64
const PATIENCE = 2_000
/** Milliseconds of requests per turn of the event loop. Short turns matter because Node accepts one connection in each. */
const SLICE = 1

/** All TCP connections to the server, from their acceptance on. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #now: () => number
  /** Number of connections that are not reserved for operators. */
  readonly #unreserved: number
  readonly #patience: number
  /** Connections that are not upgraded; with TLS, after the handshake. */
  readonly #http = new Map<object, HttpConnection>()
  readonly #handshakes: TlsHandshakes
  readonly #queue: FairQueue
  #size = 0

  constructor(options: ConnectionsOptions) {
    this.#options = options
    this.#now = options.now
    this.#queue = new FairQueue(undefined, options.now, SLICE)
    this.#handshakes = new TlsHandshakes(options.now)
    this.#patience = options.patience ?? PATIENCE
    const { openFiles } = options
    if (openFiles === undefined) this.#unreserved = Number.POSITIVE_INFINITY
    else {
      const { limit, used } = openFiles
      this.#unreserved = Math.max(1, limit - used - Math.max(MIN_RESERVE, Math.ceil(limit * RESERVE_SHARE)))
    }
  }

  get size(): number {
    return this.#size
  }

  /** Whether only connections reserved for operators are left. */
  get areShort(): boolean {
    return this.#size > this.#unreserved
  }

  /** Adds an accepted connection. Closes it and returns false if its IP address has too many connections. */
  accept(socket: Socket): boolean {
    const { perIp, counters, accountOf } = this.#options
    const account = accountOf(socket.remoteAddress ?? '')
    if (!account.exempt && account.connections >= perIp) {
      counters.refuse('connections per ip', () => ({ ip: account.network ?? socket.remoteAddress }))
      socket.destroy()
      return false
    }
    this.#size++
    account.connections++
    socket.on('close', () => {
      this.#size--
      account.connections--
      this.#http.delete(socket)
      this.#handshakes.delete(socket)
    })
    return true
  }

  /** Queues the TLS handshake of a connection. @param begin - starts the handshake */
  secures(socket: Socket, begin: () => void): void {
    this.#handshakes.add(socket, this.#options.accountOf(socket.remoteAddress ?? ''), begin)
  }

  /** Adds a connection that speaks HTTP. @param tcp - the TCP socket below TLS, or the same socket */
  opened(socket: Socket, tcp: Socket): void {
    this.#handshakes.delete(tcp)
    const account = this.#options.accountOf(tcp.remoteAddress ?? '')
    // Exempt connections share an account, but not a place in the queue.
    const connection = new HttpConnection(socket, account.exempt ? socket : account, this.#queue, this.#now)
    connection.install()
    this.#http.set(socket, connection)
    if (socket !== tcp) socket.on('close', () => this.#http.delete(socket))
  }

  /** Returns the connection of a socket; undefined on runtimes without the event for new connections. */
  of(socket: object): HttpConnection | undefined {
    return this.#http.get(socket)
  }

  upgraded(socket: object): void {
    this.#http.get(socket)?.release()
    this.#http.delete(socket)
  }

  /** Closes slow TLS handshakes and, if {@link areShort}, idle connections. @param handshakeTimeout - milliseconds */
  sweep(handshakeTimeout: number): void {
    this.#handshakes.sweep(this.areShort ? this.#patience : handshakeTimeout)
    if (!this.areShort) return
    const before = this.#now() - this.#patience
    for (const connection of this.#http.values())
      if (connection.isQuiet && connection.quietSince < before) connection.destroy()
  }

  /** Gives every HTTP connection back to the HTTP server that it came from. */
  handBack(): void {
    this.#queue.stop()
    for (const connection of this.#http.values()) connection.handBack()
    this.#http.clear()
  }

  /** Stops reading, and closes connections that `node:http` does not know yet. */
  close(): void {
    this.#queue.stop()
    this.#handshakes.close()
  }
}
