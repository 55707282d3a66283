import { Server, type IncomingMessage, type ServerResponse } from 'node:http'
import { Server as SecureServer } from 'node:https'
import type { Socket } from 'node:net'
import type { BasePath } from './http/base-path.js'
import type { Connections } from './http/connections.js'
import { isTls, Mounts, type Mount } from './http/mounts.js'
import { InvalidOptionsError } from './options.js'
import type { HttpServer, ServerHandlers } from './server.js'

const SWEEP_INTERVAL_MS = 1_000

/**
 * Serves below a path of an application's HTTP server. A connection is the application's until its first request below the path;
 * from then on it counts for the limits of its address.
 */
export class AttachedServer implements HttpServer {
  readonly #http: Server
  readonly #mounts: Mounts
  readonly #mount: Mount
  readonly #connections: Connections
  /** Connections that have sent a request below the path. */
  readonly #counted = new WeakSet<object>()
  readonly #timer: NodeJS.Timeout
  #onListening = (): void => {}

  /** @throws {InvalidOptionsError} if the path is taken */
  constructor(http: Server, path: BasePath, handlers: ServerHandlers, connections: Connections) {
    this.#http = http
    this.#connections = connections
    this.#mounts = Mounts.of(http)
    if (this.#mounts.has(path.text)) throw invalid('path', `another server is attached at ${path.text}`)
    this.#mount = {
      path: path.text,
      holds: ({ url }) => path.holds(url ?? ''),
      request: (request, response) => this.#request(request, response, handlers),
      upgrade: (request, socket, head) => {
        if (!this.#counts(request.socket)) return
        connections.upgraded(socket)
        handlers.upgrade(request, socket, head)
      },
      leaves: (socket) => connections.upgraded(socket)
    }
    this.#mounts.add(this.#mount)
    this.#timer = setInterval(() => connections.sweep(SWEEP_INTERVAL_MS), SWEEP_INTERVAL_MS).unref()
  }

  get address(): ReturnType<Server['address']> {
    return this.#http.address()
  }

  whenListening(onPort: (port: number) => void): void {
    this.#onListening = () => {
      const { address } = this
      if (address !== null && typeof address === 'object') onPort(address.port)
    }
    this.#http.on('listening', this.#onListening)
    this.#onListening()
  }

  /** The application renews its certificate itself. */
  renew(): void {}

  /** Leaves further requests to the application. Its server keeps listening, and its connections stay open. */
  close(): Promise<void> {
    clearInterval(this.#timer)
    this.#http.off('listening', this.#onListening)
    this.#mounts.remove(this.#mount)
    this.#connections.handBack()
    return Promise.resolve()
  }

  #request(request: IncomingMessage, response: ServerResponse, handlers: ServerHandlers): void {
    const { socket } = request
    const isNew = !this.#counted.has(socket)
    if (!this.#counts(socket)) return
    if (isNew) this.#connections.opened(socket, socket)
    if (this.#connections.of(socket)?.begin(response) !== false) handlers.request(request, response)
  }

  /** Counts a connection once. @returns false if its address has too many; the connection is closed then */
  #counts(socket: Socket): boolean {
    if (this.#counted.has(socket)) return true
    if (!this.#connections.accept(socket)) return false
    this.#counted.add(socket)
    return true
  }
}

/**
 * Returns whether an HTTP server speaks TLS.
 *
 * @throws {InvalidOptionsError} if it is none that can be attached to
 */
export function isSecureServer(http: Server): boolean {
  if ([Server, SecureServer].some((kind) => http instanceof kind)) return isTls(http)
  throw invalid('httpServer', 'it is not a server of node:http or node:https; servers of HTTP/2 have no WebSockets')
}

function invalid(field: string, message: string): InvalidOptionsError {
  return new InvalidOptionsError([{ path: [field], message }])
}
