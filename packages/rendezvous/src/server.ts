import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { SecureContextOptions } from 'node:tls'
import { tcpSocketOf } from './transport/engine-internals.js'

/** Connections the operating system may hold ready to be accepted: when all clients come back at once, the others retry. */
const BACKLOG = 4_096

/** Answers what comes in. */
export interface ServerHandlers {
  request(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

/** An HTTP or HTTPS server on one port. */
export class ListeningServer {
  readonly #http: Server
  /** Connections in the TLS handshake: http does not know them yet. */
  readonly #handshakes = new Set<Socket>()

  private constructor(tls: SecureContextOptions | undefined, { request, upgrade }: ServerHandlers) {
    this.#http = tls === undefined ? createHttpServer(request) : createHttpsServer(tls, request)
    this.#http.on('upgrade', upgrade)
    if (tls === undefined) return
    this.#http.on('connection', (socket: Socket) => {
      this.#handshakes.add(socket)
      socket.once('close', () => this.#handshakes.delete(socket))
    })
    this.#http.on('secureConnection', (secure: object) => {
      const socket = tcpSocketOf(secure)
      if (socket !== undefined) this.#handshakes.delete(socket)
    })
  }

  /**
   * Listens on a port.
   *
   * @param tls - undefined for HTTP
   * @param port - 0 for any free one
   * @throws the error of the operating system
   */
  static async listen(
    tls: SecureContextOptions | undefined,
    { host, port }: { host: string; port: number },
    handlers: ServerHandlers
  ): Promise<ListeningServer> {
    const server = new ListeningServer(tls, handlers)
    const http = server.#http
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject)
      http.listen({ port, host, backlog: BACKLOG }, () => {
        http.off('error', reject)
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
    const closed = new Promise<void>((resolve) => this.#http.close(() => resolve()))
    this.#http.closeAllConnections()
    for (const socket of this.#handshakes) socket.destroy()
    await closed
  }
}
