import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { Socket } from 'engine.io'
import type { WebSocket } from 'ws'
import type { AddressAccount } from '../budget/address-account.js'
import type { Budget } from '../budget/budget.js'
import type { SessionAccount } from '../budget/session-account.js'
import type { AnnouncedLimits } from '../codec/packet.js'
import type { Logger } from '../logger.js'
import type { Origins } from '../names/origins.js'
import { FairQueue } from '../pacing/fair-queue.js'
import type { Proxies } from '../pacing/proxies.js'
import type { WorkQueue } from '../pacing/work-queue.js'
import type { FlowControl } from '../relay/flow-control.js'
import type { Router } from '../relay/router.js'
import type { CloseReason, Counters, RefusalDetails, RefusalReason } from '../stats.js'
import type { BacklogWatch } from './backlog.js'
import { Cork } from './cork.js'
import { readableBySender } from './cors.js'
import {
  admitBase64,
  announcePayload,
  forgetRequest,
  missingFields,
  StarEngine,
  interceptPayloads,
  webSocketOf
} from './engine-internals.js'
import { FrameInput, frameInputOf } from './frame-input.js'
import { closeAfter } from './last-answer.js'
import type { InputContext } from './paced-input.js'
import { PayloadInput } from './payload-input.js'
import { refuseUpgrade } from './refused-upgrade.js'
import { Receiver, type Ack, type ReceiverContext } from './receiver.js'
import { Session, type SessionContext } from './session.js'

export interface EngineOptions {
  messageSize: number
  pingInterval: number
  pingTimeout: number
  sessionsPerIp: number
  /** Milliseconds that small messages may be gathered: see {@link Cork}. */
  gatherTime: number
  /** Sent to extended clients. */
  announcedLimits: AnnouncedLimits
}

/** Path of socket.io, for old and new clients. */
export const ENGINE_PATH = '/socket.io/'

/** Seconds after which a rejected client may retry. */
const RETRY_AFTER = '10'

type EngineRefusal = Extract<RefusalReason, 'sessions per ip' | 'rate limit' | 'no files left' | 'stopping' | 'busy'>

/** Status and text of the answer to a refused client. */
const REFUSALS: Readonly<Record<EngineRefusal, readonly [status: number, text: string]>> = {
  'sessions per ip': [403, 'Too many connections from this address'],
  'rate limit': [503, 'Too many requests from this address: slow down'],
  'no files left': [503, 'The server has too many connections: try again later'],
  stopping: [503, WIRE_ERRORS.serverStopping],
  busy: [503, 'The server is busy: try again later']
}

/** Memory that a piece of a request body takes beside its bytes. */
const PIECE_OVERHEAD = 256

/**
 * Bytes announced to clients as the maximum body of a request that polls. This is below the 1 MiB that nginx accepts by default,
 * because clients underestimate base64 a little.
 */
const POLLED_BODY = 980_000

/** Maximum of fragments in one message. Browsers split large messages into fragments of a few KiB. */
const MAX_FRAGMENTS = 1_024

export interface EngineComponents {
  readonly budget: Budget
  /** Whether no more files may be opened for clients. */
  readonly isFull: () => boolean
  readonly workQueue: WorkQueue
  readonly proxies: Proxies
  readonly origins: Origins
  readonly router: Router
  readonly flow: FlowControl
  readonly backlog: BacklogWatch
  readonly counters: Counters
  readonly logger: Pick<Logger, 'warn'> | undefined
  readonly onOpen: (session: Session) => void
  readonly onRequest: (session: Session, name: string, args: unknown[], ack: Ack | undefined) => void
  readonly onEnd: (session: Session, reason: CloseReason) => void
  readonly onFault: (error: unknown) => void
}

/** Accepts HTTP and WebSocket requests, and opens sessions for them. */
export class Engine {
  readonly #server: StarEngine
  readonly #options: EngineOptions
  readonly #counters: Counters
  readonly #workQueue: WorkQueue
  readonly #logger: EngineComponents['logger']
  readonly #proxies: Proxies
  readonly #origins: Origins
  readonly #budget: Budget
  readonly #inputContext: InputContext
  readonly #isFull: () => boolean
  /** Sessions with a poll that is delayed because they are over their budget. */
  readonly #delayedPolls = new Set<Session>()
  readonly #sessions = new Map<string, Session>()
  /** Sockets of upgrades in the work queue. */
  readonly #queuedUpgrades = new Set<Duplex>()
  #refusesNew = false
  #hasCheckedFields = false

  constructor(options: EngineOptions, components: EngineComponents) {
    this.#options = options
    this.#budget = components.budget
    this.#isFull = components.isFull
    this.#counters = components.counters
    this.#workQueue = components.workQueue
    this.#logger = components.logger
    this.#proxies = components.proxies
    this.#origins = components.origins
    const cork = new Cork(options.gatherTime)
    // Flushes after each piece, while its data is in the CPU's caches.
    this.#inputContext = { queue: new FairQueue(cork.flush), counters: components.counters }
    const sessionContext: SessionContext = { ...components, cork }
    const receiverContext: ReceiverContext = { ...components, limits: options.announcedLimits }
    this.#server = new StarEngine({
      allowEIO3: true,
      transports: ['polling', 'websocket'],
      maxHttpBufferSize: options.messageSize,
      pingInterval: options.pingInterval,
      pingTimeout: options.pingTimeout,
      perMessageDeflate: false,
      cors: { origin: components.origins.cors, credentials: true }
    })
    announcePayload(this.#server, Math.min(options.messageSize, POLLED_BODY))
    // The responses to the upgrade and to the handshake leave together.
    this.#server.on('headers', (_headers: object, request: IncomingMessage) => {
      if (request.headers.upgrade !== undefined) cork.corkForTick(request.socket)
    })
    this.#server.watchWebSockets(MAX_FRAGMENTS, (webSocket, request) => this.#onWebSocket(webSocket, request))
    this.#server.on('connection', (socket: Socket) => {
      this.#checkFields(socket)
      admitBase64(socket, options.messageSize)
      const remote = this.#proxies.remoteOf(socket.request)
      const webSocket = webSocketOf(socket)
      const account = (webSocket && frameInputOf(webSocket)?.account) ?? this.#budget.open(remote)
      const session = new Session(socket, remote, account, this.#payloadInputOf(socket, account), sessionContext)
      account.session = session
      account.address.sessions++
      const receiver = new Receiver(session, socket, receiverContext)
      this.#sessions.set(session.id, session)
      socket.once('close', () => {
        this.#sessions.delete(session.id)
        account.address.sessions--
        account.forget()
      })
      forgetRequest(socket)
      components.onOpen(session)
      receiver.start()
    })
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    // engine.io adds the missing fields of its own request type.
    const handle = () => this.#server.handleRequest(request as never, response)
    const sid = sidOf(request)
    // engine.io ignores an empty `sid`.
    if (!sid) return this.#handshake(request, response, handle)
    const session = this.#sessions.get(sid)
    if (session === undefined) return this.#handleUnknownSession(request, response, handle)
    session.account.charge('request')
    if (request.method !== 'POST') return this.#handlePoll(request, response, session, handle)
    const { link } = session
    if (!link.paused && !link.hasUnprocessedInput) return this.#post(request, session, handle)
    // A polling client must not send more before this request is answered.
    if (link.hasResumeCallbacks) {
      response.writeHead(400).end()
      return
    }
    link.whenResumed(() => {
      if (!request.destroyed) this.#post(request, session, handle)
    })
  }

  /** Answers a request for an unknown session. */
  #handleUnknownSession(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    const address = this.accountOf(request)
    address.charge('request')
    if (address.isOverBudget) return this.#slowDown(request, response)
    handle()
  }

  /** Answers a poll, delayed while the session is over its budget. */
  #handlePoll(request: IncomingMessage, response: ServerResponse, session: Session, handle: () => void): void {
    const { account } = session
    if (!account.isOverBudget) return handle()
    if (this.#delayedPolls.has(session)) return this.#slowDown(request, response)
    this.#delayedPolls.add(session)
    this.#counters.pause('flood')
    setTimeout(() => {
      this.#delayedPolls.delete(session)
      if (!request.destroyed) handle()
    }, account.debt).unref()
  }

  /** Counts a request body while it is in memory, and slows down clients that send a body in tiny pieces. */
  #post(request: IncomingMessage, { account }: Session, handle: () => void): void {
    let size = 0
    const count = (part: string | Buffer) => {
      const more = part.length + PIECE_OVERHEAD
      size += more
      account.addReceived(more)
      account.charge('frame')
      if (!account.isOverBudget) return
      request.pause()
      setTimeout(() => request.resume(), account.debt).unref()
    }
    // A `data` listener starts the flow, so it must not be added before that of engine.io.
    request.on('newListener', function look(event) {
      if (event !== 'data') return
      request.off('newListener', look)
      process.nextTick(() => request.on('data', count))
    })
    request.once('close', () => account.addReceived(-size))
    handle()
  }

  /** Rejects new sessions from now on. */
  refuseNew(): void {
    this.#refusesNew = true
  }

  /** Admits new sessions again. */
  admitNew(): void {
    this.#refusesNew = false
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const giveUp = () => socket.destroy()
    // Handles errors until engine.io adds its own handler.
    socket.on('error', giveUp)
    this.#queuedUpgrades.add(socket)
    const refusal = this.#admitInTurn(request, () => {
      socket.off('error', giveUp)
      this.#queuedUpgrades.delete(socket)
      if (socket.destroyed) return
      const reason = this.#addressRefusal(request)
      if (reason === undefined) return this.#server.handleUpgrade(request as never, socket, head)
      this.#counters.refuse(reason, () => this.#describe(request))
      refuseUpgrade(socket, ...REFUSALS[reason])
    })
    if (refusal === undefined) return
    this.#queuedUpgrades.delete(socket)
    refuseUpgrade(socket, ...REFUSALS[refusal], { 'retry-after': RETRY_AFTER })
  }

  close(): void {
    this.#server.close()
    this.#inputContext.queue.stop()
    for (const socket of this.#queuedUpgrades) socket.destroy()
    this.#queuedUpgrades.clear()
  }

  /** Prepares the WebSocket of a new client, or of one that upgrades from polling. */
  #onWebSocket(webSocket: WebSocket, request: IncomingMessage): void {
    const polling = this.#sessions.get(sidOf(request) ?? '')
    if (polling !== undefined) {
      FrameInput.install(webSocket, polling.account, this.#inputContext)
      return
    }
    const account = this.#budget.open(this.#proxies.remoteOf(request))
    const opening = { close: () => webSocket.terminate() }
    account.session = opening
    FrameInput.install(webSocket, account, this.#inputContext)
    // After this tick, a session owns the account, or the handshake has failed.
    setImmediate(() => {
      if (account.session === opening) account.forget()
    })
  }

  #payloadInputOf(socket: Socket, account: SessionAccount): PayloadInput | undefined {
    const input = new PayloadInput(socket.protocol === 3 ? 3 : 4, account, this.#inputContext)
    const decode = interceptPayloads(socket, (payload, defer) => input.receive(payload, defer))
    if (decode === undefined) return undefined
    input.decode = decode
    return input
  }

  /** Returns the account of a request's address. */
  accountOf(request: IncomingMessage): AddressAccount {
    return this.#budget.addressOf(this.#proxies.remoteOf(request))
  }

  /** Returns the reason to refuse a new connection, if its IP address has too many sessions. */
  #addressRefusal(request: IncomingMessage): 'sessions per ip' | undefined {
    if (sidOf(request)) return undefined
    const { sessionsPerIp } = this.#options
    const { exempt, sessions } = this.accountOf(request)
    return !exempt && sessions >= sessionsPerIp ? 'sessions per ip' : undefined
  }

  #describe(request: IncomingMessage): RefusalDetails {
    const { host, origin } = request.headers
    const transport = new URL(request.url ?? '/', 'http://server').searchParams.get('transport')
    return { ip: this.#proxies.remoteOf(request).ip, offered: `${request.method} ${transport ?? ''}`, host, origin }
  }

  /** Returns headers that let a listed origin read responses not made by engine.io. */
  #corsHeaders(request: IncomingMessage): Record<string, string> {
    const { origin } = request.headers
    return origin !== undefined && this.#origins.isListed(origin) ? readableBySender(request) : {}
  }

  /** Opens a polling session. */
  #handshake(request: IncomingMessage, response: ServerResponse, handle: () => void): void {
    const refusal = this.#admitInTurn(request, () => {
      if (request.destroyed) return
      const reason = this.#addressRefusal(request)
      if (reason === undefined) return handle()
      this.#counters.refuse(reason, () => this.#describe(request))
      this.#answer(request, response, ...REFUSALS[reason])
    })
    if (refusal !== undefined) this.#refuse(request, response, ...REFUSALS[refusal])
  }

  #slowDown(request: IncomingMessage, response: ServerResponse): void {
    this.#counters.refuse('rate limit', () => this.#describe(request))
    this.#refuse(request, response, 429, REFUSALS['rate limit'][1])
  }

  #refuse(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
    closeAfter(response)
    response.setHeader('retry-after', RETRY_AFTER)
    this.#answer(request, response, status, text)
  }

  #answer(request: IncomingMessage, response: ServerResponse, status: number, text: string): void {
    const type = { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' }
    response.writeHead(status, { ...type, ...this.#corsHeaders(request) }).end(text)
  }

  /** Runs `enter` in turn. Until then, a new connection counts as a session. @returns the reason if the request is rejected */
  #admitInTurn(request: IncomingMessage, enter: () => void): EngineRefusal | undefined {
    const isNew = !sidOf(request)
    if (isNew) this.#inputContext.queue.shortenSlice()
    const address = this.accountOf(request)
    const change = isNew ? 1 : 0
    const cause = address.isOverBudget ? 'rate limit' : this.#isFull() ? 'no files left' : undefined
    if (isNew && cause !== undefined) {
      address.charge('request')
      this.#counters.refuse(cause, () => this.#describe(request))
      return cause
    }
    // Too many sessions: refused without a turn.
    if (isNew && !this.#refusesNew && this.#addressRefusal(request) !== undefined) {
      address.charge('request')
      enter()
      return undefined
    }
    if (!(isNew && this.#refusesNew)) {
      address.charge('handshake')
      address.sessions += change
      const hasRoom = this.#workQueue.submit(() => {
        address.sessions -= change
        enter()
      })
      if (hasRoom) return undefined
      address.sessions -= change
    }
    const reason = isNew && this.#refusesNew ? 'stopping' : 'busy'
    this.#counters.refuse(reason, () => this.#describe(request))
    return reason
  }

  /** Warns once if this runtime lacks fields that direct writes need. */
  #checkFields(socket: Socket): void {
    if (this.#hasCheckedFields) return
    if (webSocketOf(socket) === undefined) {
      socket.once('upgrade', () => this.#checkFields(socket))
      return
    }
    this.#hasCheckedFields = true
    const missing = missingFields(socket)
    if (missing.length > 0)
      this.#logger?.warn(
        { missing },
        'this runtime lacks private fields for direct writes: messages go through engine.io, which is slower'
      )
  }
}

/** Returns the last `sid`, as engine.io does. */
function sidOf(request: IncomingMessage): string | undefined {
  return new URL(request.url ?? '/', 'http://server').searchParams.getAll('sid').at(-1)
}
