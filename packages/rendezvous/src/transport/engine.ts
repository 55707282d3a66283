import { ServerResponse, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { Server as EngineServer, type Socket } from 'engine.io'
import proxyAddr from 'proxy-addr'
import type { Counters, RefusalReason } from '../stats.js'
import { Cork } from './cork.js'
import { networkOf } from '../pacing/remote-address.js'
import type { Limits } from '../codec/packet.js'
import { Session, type SessionListener } from './session.js'
import type { WorkQueue } from '../pacing/work-queue.js'

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

/** Seconds after which a client may come back that could not be served. */
const RETRY_AFTER = '10'
const UNAVAILABLE = `HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: ${RETRY_AFTER}\r\n\r\n`

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

  /**
   * The only middleware is that of CORS, which does not concern WebSockets. What engine.io makes for it lasts as long as an
   * upgraded connection: without its request it is small.
   */
  protected override _applyMiddlewares(
    ...[request, response, proceed]: Parameters<EngineServer['_applyMiddlewares']>
  ): ReturnType<EngineServer['_applyMiddlewares']> {
    if (response instanceof ServerResponse) {
      // oxlint-disable-next-line no-underscore-dangle
      super._applyMiddlewares(request, response, proceed)
    } else {
      Object.assign(response, { req: undefined })
      proceed()
    }
  }
}

/**
 * Clients that poll send bytes as base64, several messages at a time. They add up what the server has told them, but
 * engine.io-client counts 1.33 characters for what takes 4/3 of them, and a single message of the largest size takes as much.
 */
function admitBase64({ transport }: Socket, messageSize: number): void {
  if (transport.name === 'polling')
    Object.assign(transport, { maxHttpBufferSize: Math.ceil((messageSize * 4) / 3) + 1 })
}

/** The door: HTTP and WebSocket requests come in, sessions come out. */
export class Engine {
  readonly #server: StarEngine
  readonly #options: EngineOptions
  readonly #counters: Counters
  readonly #workQueue: WorkQueue
  readonly #isTrusted: (address: string, distance: number) => boolean
  readonly #sessionsByIp = new Map<string, number>()
  readonly #sessions = new Map<string, Session>()
  /** Of upgrades that wait for their turn. */
  readonly #waiting = new Set<Duplex>()
  #isClosed = false

  constructor(
    options: EngineOptions,
    counters: Counters,
    workQueue: WorkQueue,
    listener: SessionListener,
    onSession: (session: Session) => void
  ) {
    this.#options = options
    this.#counters = counters
    this.#workQueue = workQueue
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
    // The answer to an upgrade and the handshake leave together.
    this.#server.on('headers', (_headers: object, request: IncomingMessage) => {
      if (request.headers.upgrade !== undefined) cork.holdForTick(request.socket)
    })
    this.#server.on('connection', (socket: Socket) => {
      admitBase64(socket, options.messageSize)
      const ip = this.remoteAddress(socket.request)
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
      forgetRequest(socket)
      onSession(session)
      session.start()
    })
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    // engine.io adds the fields of its own request type itself.
    const handle = () => this.#server.handleRequest(request as never, response)
    const sid = sidOf(request)
    // engine.io takes an empty one for none.
    if (!sid) return this.#handshake(request, response, handle)
    const session = request.method === 'POST' ? this.#sessions.get(sid) : undefined
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

  /** Sends away whoever comes from now on. */
  refuseNew(): void {
    this.#isClosed = true
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const giveUp = () => socket.destroy()
    // Until engine.io listens.
    socket.on('error', giveUp)
    this.#waiting.add(socket)
    const refusal = this.#inTurn(request, () => {
      socket.off('error', giveUp)
      this.#waiting.delete(socket)
      if (!socket.destroyed) this.#server.handleUpgrade(request as never, socket, head)
    })
    if (refusal === undefined) return
    this.#waiting.delete(socket)
    socket.end(UNAVAILABLE, giveUp)
  }

  /** Whether limits per IP address leave an address out: loopback, and proxies that are trusted. */
  isExempt(ip: string): boolean {
    return isLoopback(ip, 0) || this.#isTrusted(ip, 0)
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#waiting) socket.destroy()
    this.#waiting.clear()
  }

  /** Why a new connection is not taken, or null: engine.io tells it. */
  #refusal(request: IncomingMessage): string | null {
    const reason = this.#isUnwanted(request)
    if (reason === undefined) return null
    this.#counters.refuse(reason)
    return reason === 'origin' ? 'Origin is not allowed' : 'Too many connections from this address'
  }

  #isUnwanted(request: IncomingMessage): 'origin' | 'sessions per ip' | undefined {
    const { sessionsPerIp } = this.#options
    const { origin } = request.headers
    if (origin !== undefined && !this.#isAllowed(origin)) return 'origin'
    const ip = this.remoteAddress(request)
    const isCrowded = !this.isExempt(ip) && (this.#sessionsByIp.get(networkOf(ip)) ?? 0) >= sessionsPerIp
    return isCrowded ? 'sessions per ip' : undefined
  }

  #isAllowed(origin: string): boolean {
    const { allowedOrigins } = this.#options
    return allowedOrigins.length === 0 || allowedOrigins.includes(origin)
  }

  /** What lets a page of another origin read an answer that engine.io did not make. */
  #corsOf({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined || !this.#isAllowed(origin)) return {}
    return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'Origin' }
  }

  /** A client that begins to poll. */
  #handshake(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    const refusal = this.#inTurn(request, () => {
      if (!request.destroyed) handle()
    })
    if (refusal !== undefined) response.writeHead(503, { 'retry-after': RETRY_AFTER, ...this.#corsOf(request) }).end()
  }

  /**
   * Lets a new connection in, in its turn. Those that wait count as connections of their address.
   *
   * @returns why it is not taken, which is counted
   */
  #inTurn(request: IncomingMessage, enter: () => void): RefusalReason | undefined {
    const isNew = !sidOf(request)
    const network = networkOf(this.remoteAddress(request))
    // What is refused for its address or its origin is refused at once.
    if (isNew && !this.#isClosed && this.#isUnwanted(request) !== undefined) {
      enter()
      return undefined
    }
    const change = isNew ? 1 : 0
    if (!(isNew && this.#isClosed)) {
      this.#count(network, change)
      const hasRoom = this.#workQueue.take(() => {
        this.#count(network, -change)
        enter()
      })
      if (hasRoom) return undefined
      this.#count(network, -change)
    }
    const reason = isNew && this.#isClosed ? 'stopping' : 'busy'
    this.#counters.refuse(reason)
    return reason
  }

  /** The client's address, behind proxies that are trusted. */
  remoteAddress(request: IncomingMessage): string {
    return proxyAddr(request, this.#isTrusted)
  }

  #count(network: string, change: number): void {
    const sessions = (this.#sessionsByIp.get(network) ?? 0) + change
    if (sessions > 0) this.#sessionsByIp.set(network, sessions)
    else this.#sessionsByIp.delete(network)
  }
}

/** engine.io keeps the first request for as long as the session lasts, for those who ask; nobody does. */
function forgetRequest(socket: Socket): void {
  Object.assign(socket, { request: undefined })
}

/** Read as engine.io reads it: the last `sid` counts. */
function sidOf(request: IncomingMessage): string | undefined {
  return new URL(request.url ?? '/', 'http://server').searchParams.getAll('sid').at(-1)
}

const isLoopback = proxyAddr.compile('loopback')
