import type { Socket } from 'node:net'
import type { AddressAccount } from '../budget/address-account.js'
import { FairQueue } from '../pacing/fair-queue.js'
import type { OpenFiles } from '../pacing/open-files.js'
import type { Counters } from '../stats.js'
import { HttpConnection } from './http-connection.js'
import { TlsHandshakes } from './tls-handshakes.js'

export interface ConnectionsOptions {
  perIp: number
  /** Undefined where the system does not say it. */
  openFiles: OpenFiles | undefined
  counters: Counters
  /** Returns the account of the address that a TCP connection comes from. */
  accountOf: (ip: string) => AddressAccount
  now: () => number
  /** Milliseconds that a connection may be quiet while few are left. */
  patience?: number
}

/** The part of the files that the system allows that is kept for operators, and the least of it. */
const RESERVE_SHARE = 1 / 16
const MIN_RESERVE = 64
const PATIENCE = 2_000
/**
 * Milliseconds of requests in one turn of the event loop. It accepts one connection in a turn: whoever comes while many others
 * connect waits for as many turns.
 */
const SLICE = 1

/** All TCP connections to the server, from the moment that they are accepted. */
export class Connections {
  readonly #options: ConnectionsOptions
  readonly #now: () => number
  /** How many may be open before those that are left are for operators. */
  readonly #free: number
  readonly #patience: number
  /** Those that were not upgraded: with TLS, from the end of its handshake. */
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
    if (openFiles === undefined) this.#free = Number.POSITIVE_INFINITY
    else {
      const { limit, used } = openFiles
      this.#free = Math.max(1, limit - used - Math.max(MIN_RESERVE, Math.ceil(limit * RESERVE_SHARE)))
    }
  }

  /** Connections open now. */
  get size(): number {
    return this.#size
  }

  /** Few are left: new ones are for operators. */
  get areShort(): boolean {
    return this.#size > this.#free
  }

  /** A connection was accepted; one too many of its address ends. @returns whether it stays */
  accept(socket: Socket): boolean {
    const { perIp, counters, accountOf } = this.#options
    const account = accountOf(socket.remoteAddress ?? '')
    if (!account.exempt && account.connections >= perIp) {
      counters.refuse('connections per ip')
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

  /** A connection has the TLS handshake before it. @param begin - is called when it is its turn */
  secures(socket: Socket, begin: () => void): void {
    this.#handshakes.add(socket, this.#options.accountOf(socket.remoteAddress ?? ''), begin)
  }

  /** A connection speaks HTTP from now on. @param tcp - what it runs over; the same without TLS */
  opened(socket: Socket, tcp: Socket): void {
    this.#handshakes.delete(tcp)
    const account = this.#options.accountOf(tcp.remoteAddress ?? '')
    // Those that are exempt have nothing in common but that.
    const connection = new HttpConnection(socket, account.exempt ? socket : account, this.#queue, this.#now)
    connection.install()
    this.#http.set(socket, connection)
    if (socket !== tcp) socket.on('close', () => this.#http.delete(socket))
  }

  /** Returns the connection of a request; undefined on runtimes that tell of none. */
  of(socket: object): HttpConnection | undefined {
    return this.#http.get(socket)
  }

  /** A connection speaks something else than HTTP from now on. */
  upgraded(socket: object): void {
    this.#http.get(socket)?.release()
    this.#http.delete(socket)
  }

  /**
   * Ends connections that are quiet, if few are left.
   *
   * @param handshakeTimeout - milliseconds that the TLS handshake may take otherwise
   */
  sweep(handshakeTimeout: number): void {
    this.#handshakes.sweep(this.areShort ? this.#patience : handshakeTimeout)
    if (!this.areShort) return
    const before = this.#now() - this.#patience
    for (const connection of this.#http.values())
      if (connection.isQuiet && connection.quietSince < before) connection.destroy()
  }

  /** Reads no more, and ends those that http does not know yet. */
  close(): void {
    this.#queue.stop()
    this.#handshakes.close()
  }
}
