import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as EngineServer, type Socket } from 'engine.io'
import proxyAddr from 'proxy-addr'
import type { Counters } from '../stats.js'
import { Cork } from './cork.js'
import { networkOf } from './network.js'
import type { Limits } from './packet.js'
import { Session, type SessionListener } from './session.js'

export interface EngineOptions {
  messageSize: number
  pingInterval: number
  pingTimeout: number
  allowedOrigins: readonly string[]
  trustProxy: readonly string[]
  sessionsPerIp: number
  /** Milliseconds that small messages may be gathered for: see {@link Cork}. */
  gatherTime: number
  /** Told to clients that know the extensions. */
  announcedLimits: Limits
}

/** Where old and new clients look for the server. */
export const ENGINE_PATH = '/socket.io/'

/** A request after engine.io has parsed its query. */
type EngineRequest = IncomingMessage & { _query: Record<string, string> }

/** engine.io, with what the old server sent to clients of revision 3. */
class StarEngine extends EngineServer {
  /** Called right before a session opens: clients of revision 3 get their CONNECT packet with the handshake. */
  protected override createTransport(
    ...[name, request]: Parameters<EngineServer['createTransport']>
  ): ReturnType<EngineServer['createTransport']> {
    // By now the request has its query.
    this.opts.initialPacket = (request as EngineRequest)._query['EIO'] === '4' ? undefined : '0'
    return super.createTransport(name, request)
  }
}

/** The door: HTTP and WebSocket requests come in, sessions come out. */
export class Engine {
  readonly #server: StarEngine
  readonly #options: EngineOptions
  readonly #counters: Counters
  readonly #isTrusted: (address: string, distance: number) => boolean
  readonly #sessionsByIp = new Map<string, number>()
  readonly #sessions = new Map<string, Session>()

  constructor(
    options: EngineOptions,
    counters: Counters,
    listener: SessionListener,
    onSession: (session: Session) => void
  ) {
    this.#options = options
    this.#counters = counters
    this.#isTrusted = proxyAddr.compile([...options.trustProxy])
    const cork = new Cork(options.gatherTime)
    this.#server = new StarEngine({
      allowEIO3: true,
      transports: ['polling', 'websocket'],
      maxHttpBufferSize: options.messageSize,
      pingInterval: options.pingInterval,
      pingTimeout: options.pingTimeout,
      perMessageDeflate: false,
      cors: { origin: options.allowedOrigins.length > 0 ? [...options.allowedOrigins] : true, credentials: true },
      allowRequest: (request, decide) => {
        const refusal = this.#refusal(request)
        decide(refusal, refusal === null)
      }
    })
    this.#server.on('connection', (socket: Socket) => {
      const ip = this.#remoteAddress(socket.request)
      const network = networkOf(ip)
      this.#count(network, 1)
      const session = new Session(
        socket,
        cork,
        { ip, exempt: this.isExempt(ip) },
        listener,
        counters,
        options.announcedLimits
      )
      this.#sessions.set(session.id, session)
      socket.once('close', () => {
        this.#sessions.delete(session.id)
        this.#count(network, -1)
      })
      onSession(session)
      session.start()
    })
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    // engine.io adds the fields of its own request type itself.
    const handle = () => this.#server.handleRequest(request as never, response)
    const session = request.method === 'POST' ? this.#sessionOf(request) : undefined
    if (session === undefined || !session.link.paused) return handle()
    // A client that polls sends the next messages only when these have been answered.
    if (session.link.hasWaiting) {
      response.writeHead(400).end()
      return
    }
    session.link.whenResumed(() => {
      if (!request.destroyed) handle()
    })
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request as never, socket, head)
  }

  /** Whether limits per IP address leave an address out: loopback, and proxies that are trusted. */
  isExempt(ip: string): boolean {
    return isLoopback(ip, 0) || this.#isTrusted(ip, 0)
  }

  close(): void {
    this.#server.close()
  }

  /** Why a new connection is not taken, or null. */
  #refusal(request: IncomingMessage): string | null {
    const { allowedOrigins, sessionsPerIp } = this.#options
    const { origin } = request.headers
    if (allowedOrigins.length > 0 && origin !== undefined && !allowedOrigins.includes(origin)) {
      this.#counters.refuse('origin')
      return 'Origin is not allowed'
    }
    const ip = this.#remoteAddress(request)
    if (!this.isExempt(ip) && (this.#sessionsByIp.get(networkOf(ip)) ?? 0) >= sessionsPerIp) {
      this.#counters.refuse('sessions per ip')
      return 'Too many connections from this address'
    }
    return null
  }

  /** Read as engine.io reads it: the last `sid` counts. */
  #sessionOf(request: IncomingMessage): Session | undefined {
    const sid = new URL(request.url ?? '/', 'http://server').searchParams.getAll('sid').at(-1)
    return sid === undefined ? undefined : this.#sessions.get(sid)
  }

  #remoteAddress(request: IncomingMessage): string {
    return proxyAddr(request, this.#isTrusted)
  }

  #count(network: string, change: 1 | -1): void {
    const sessions = (this.#sessionsByIp.get(network) ?? 0) + change
    if (sessions > 0) this.#sessionsByIp.set(network, sessions)
    else this.#sessionsByIp.delete(network)
  }
}

const isLoopback = proxyAddr.compile('loopback')
