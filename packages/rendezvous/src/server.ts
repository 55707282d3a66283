import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { Connections } from './http/connections.js'
import { tcpSocketOf } from './transport/engine-internals.js'

/** Connections queued by the operating system; when all clients reconnect at once, the rest retry. */
const BACKLOG = 4_096
const SWEEP_INTERVAL_MS = 1_000
const ALL_ADDRESSES = '::'

/** Time limits in milliseconds. Responses, polls included, have none. */
export interface HttpTimeouts {
  /** TLS handshake; then request line and headers, since the connection was opened or last used. */
  headers: number
  /** Whole request. The largest body, 1.4 MB of base64, then needs 190 kbit/s; slower clients miss pings as well. */
  request: number
  idle: number
}

const TIMEOUTS: HttpTimeouts = { headers: 10_000, request: 60_000, idle: 5_000 }

export interface ServerHandlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** Server that the requests of clients come from. */
export interface HttpServer {
  /** Address that it listens on: a path if that is a Unix socket, null if it does not listen. */
  readonly address: AddressInfo | string | null
  /** Calls back with the port as soon as it listens on one. */
  whenListening(onPort: (port: number) => void): void
  /** Replaces the certificate. Open connections keep the one that they were opened with. */
  renew(tls: SecureContextOptions): void
  /** Ends what has begun with its creation. */
  close(): Promise<void>
}

/** HTTP server of its own. */
export class ListeningServer implements HttpServer {
  readonly #http: Server
  /** The same server, if it speaks TLS. */
  readonly #https: HttpsServer | undefined
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
      connectionsCheckingInterval: Math.min(SWEEP_INTERVAL_MS, timeouts.headers)
    }
    const onRequest = (message: IncomingMessage, response: ServerResponse): void => {
      if (connections.of(message.socket)?.begin(response) !== false) request(message, response)
    }
    this.#https = tls === undefined ? undefined : createHttpsServer({ ...tls, ...options }, onRequest)
    this.#http = this.#https ?? createHttpServer(options, onRequest)
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
    this.#timer = setInterval(() => connections.sweep(timeouts.headers), SWEEP_INTERVAL_MS).unref()
  }

  /**
   * @param tls - undefined for HTTP
   * @throws the operating system's error
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
      // Without a host, Node listens on all addresses of both families, or of IPv4 if there is no other.
      const where = host === ALL_ADDRESSES ? { port } : { port, host }
      http.listen({ ...where, backlog: BACKLOG }, () => {
        http.off('error', fail)
        resolve()
      })
    })
    return server
  }

  get address(): AddressInfo {
    // A cast, since it listens on a port and never on a pipe.
    return this.#http.address() as AddressInfo
  }

  whenListening(onPort: (port: number) => void): void {
    onPort(this.address.port)
  }

  renew(tls: SecureContextOptions): void {
    this.#https?.setSecureContext(tls)
  }

  /** Stops listening and closes every connection that has not been upgraded. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    this.#connections.close()
    await closed
  }
}
