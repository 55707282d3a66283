import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { Connections } from './http/connections.js'
import { tcpSocketOf } from './transport/engine-internals.js'

/** Connections the operating system may hold ready to be accepted: when all clients come back at once, the others retry. */
const BACKLOG = 4_096
/** Milliseconds between two looks at what has taken too long. */
const SWEEP_INTERVAL = 1_000

/** Milliseconds that whoever connects may take. Answers, polls among them, may take as long as they do. */
export interface HttpTimeouts {
  /** The TLS handshake; then a request line with its headers, counted from when the connection was opened or last used. */
  headers: number
  /** A whole request. The largest body, 1.4 MB of base64, needs 190 kbit/s then; a slower client misses its pings as well. */
  request: number
  /** A connection without a request. */
  idle: number
}

const TIMEOUTS: HttpTimeouts = { headers: 10_000, request: 60_000, idle: 5_000 }

/** Answers what comes in. */
export interface ServerHandlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** An HTTP or HTTPS server on one port. */
export class ListeningServer {
  readonly #http: Server
  readonly #connections: Connections
  readonly #timer: NodeJS.Timeout

  private constructor(
    tls: SecureContextOptions | undefined,
    { request, upgrade }: ServerHandlers,
    connections: Connections,
    timeouts: HttpTimeouts
  ) {
    this.#connections = connections
    const options = {
      headersTimeout: timeouts.headers,
      requestTimeout: timeouts.request,
      keepAliveTimeout: timeouts.idle,
      connectionsCheckingInterval: Math.min(SWEEP_INTERVAL, timeouts.headers)
    }
    const answer = (message: IncomingMessage, response: ServerResponse): void => {
      if (connections.of(message.socket)?.begin(response) !== false) request(message, response)
    }
    this.#http =
      tls === undefined ? createHttpServer(options, answer) : createHttpsServer({ ...tls, ...options }, answer)
    this.#http.on('upgrade', (message, socket, head) => {
      connections.upgraded(socket)
      upgrade(message, socket, head)
    })
    if (tls === undefined) {
      this.#http.on('connection', (socket: Socket) => {
        if (connections.accept(socket)) connections.opened(socket, socket)
      })
    } else {
      const secure = this.#http.listeners('connection')
      this.#http.removeAllListeners('connection')
      this.#http.on('connection', (socket: Socket) => {
        if (!connections.accept(socket)) return
        connections.secures(socket, () => {
          for (const begin of secure) begin.call(this.#http, socket)
        })
      })
      this.#http.on('secureConnection', (socket: TLSSocket) =>
        connections.opened(socket, tcpSocketOf(socket) ?? socket)
      )
    }
    this.#timer = setInterval(() => connections.sweep(timeouts.headers), SWEEP_INTERVAL).unref()
  }

  /**
   * Listens on a port.
   *
   * @param tls - undefined for HTTP
   * @param port - 0 for any free one
   * @param connections - counts and limits those that are opened
   * @throws the error of the operating system
   */
  static async listen(
    tls: SecureContextOptions | undefined,
    { host, port }: { host: string; port: number },
    handlers: ServerHandlers,
    connections: Connections,
    timeouts: HttpTimeouts = TIMEOUTS
  ): Promise<ListeningServer> {
    const server = new ListeningServer(tls, handlers, connections, timeouts)
    const http = server.#http
    await new Promise<void>((resolve, reject) => {
      const fail = (error: Error): void => {
        clearInterval(server.#timer)
        reject(error)
      }
      http.once('error', fail)
      http.listen({ port, host, backlog: BACKLOG }, () => {
        http.off('error', fail)
        resolve()
      })
    })
    return server
  }

  get address(): AddressInfo {
    // It listens on a port, never on a pipe.
    return this.#http.address() as AddressInfo
  }

  /** Stops listening and ends every connection but those that have been upgraded. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    this.#connections.close()
    await closed
  }
}
