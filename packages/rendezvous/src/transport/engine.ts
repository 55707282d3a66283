import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Socket } from 'engine.io'
import proxyAddr from 'proxy-addr'
import type { Limits } from '../codec/packet.js'
import type { Logger } from '../logger.js'
import { networkOf } from '../pacing/remote-address.js'
import type { WorkQueue } from '../pacing/work-queue.js'
import type { FlowControl } from '../relay/flow-control.js'
import type { Router } from '../relay/router.js'
import type { CloseReason, Counters, RefusalReason } from '../stats.js'
import type { BacklogWatch } from './backlog.js'
import { Cork } from './cork.js'
import { admitBase64, forgetRequest, missingFields, StarEngine, webSocketOf } from './engine-internals.js'
import { Receiver, type Ack, type ReceiverContext } from './receiver.js'
import { Session, type SessionContext } from './session.js'

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

/** What an engine works with. */
export interface EngineParts {
  readonly workQueue: WorkQueue
  readonly router: Router
  readonly flow: FlowControl
  readonly backlog: BacklogWatch
  readonly counters: Counters
  readonly logger: Pick<Logger, 'warn'> | undefined
  readonly onOpen: (session: Session) => void
  /** See {@link ReceiverContext.onRequest}. */
  readonly onRequest: (session: Session, name: string, args: unknown[], ack: Ack | undefined) => void
  /** See {@link SessionContext.onEnd}. */
  readonly onEnd: (session: Session, reason: CloseReason) => void
  readonly onFault: (error: unknown) => void
}

/** The door: HTTP and WebSocket requests come in, sessions come out. */
export class Engine {
  readonly #server: StarEngine
  readonly #options: EngineOptions
  readonly #counters: Counters
  readonly #workQueue: WorkQueue
  readonly #logger: EngineParts['logger']
  readonly #isTrusted: (address: string, distance: number) => boolean
  readonly #sessionsByIp = new Map<string, number>()
  readonly #sessions = new Map<string, Session>()
  /** Of upgrades that wait for their turn. */
  readonly #waiting = new Set<Duplex>()
  #isClosed = false
  /** The first WebSocket has been looked at. */
  #hasLooked = false

  constructor(options: EngineOptions, parts: EngineParts) {
    this.#options = options
    this.#counters = parts.counters
    this.#workQueue = parts.workQueue
    this.#logger = parts.logger
    this.#isTrusted = proxyAddr.compile([...options.trustProxy])
    const cork = new Cork(options.gatherTime)
    const sessionContext: SessionContext = { ...parts, cork }
    const receiverContext: ReceiverContext = { ...parts, limits: options.announcedLimits }
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
      this.#lookAtFields(socket)
      admitBase64(socket, options.messageSize)
      const ip = this.remoteAddress(socket.request)
      const network = networkOf(ip)
      this.#count(network, 1)
      const session = new Session(socket, { ip, exempt: this.isExempt(ip) }, sessionContext)
      const receiver = new Receiver(session, socket, receiverContext)
      this.#sessions.set(session.id, session)
      socket.once('close', () => {
        this.#sessions.delete(session.id)
        this.#count(network, -1)
      })
      forgetRequest(socket)
      parts.onOpen(session)
      receiver.start()
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

  /** Tells the operator, once, if this runtime lacks what the direct way to WebSockets needs. */
  #lookAtFields(socket: Socket): void {
    if (this.#hasLooked) return
    if (webSocketOf(socket) === undefined) {
      socket.once('upgrade', () => this.#lookAtFields(socket))
      return
    }
    this.#hasLooked = true
    const missing = missingFields(socket)
    if (missing.length > 0)
      this.#logger?.warn({ missing }, "this runtime lacks fields of the fast path: messages take engine.io's way")
  }

  #count(network: string, change: number): void {
    const sessions = (this.#sessionsByIp.get(network) ?? 0) + change
    if (sessions > 0) this.#sessionsByIp.set(network, sessions)
    else this.#sessionsByIp.delete(network)
  }
}

/** Read as engine.io reads it: the last `sid` counts. */
function sidOf(request: IncomingMessage): string | undefined {
  return new URL(request.url ?? '/', 'http://server').searchParams.getAll('sid').at(-1)
}

const isLoopback = proxyAddr.compile('loopback')
