import {
  ackError,
  assertNonceFor,
  createDialId,
  EVENTS,
  halfName,
  isDialId,
  parseAddress,
  parseConnectAnswer,
  parseDrainNotice,
  signNonce,
  streamEventName,
  WIRE_ERRORS,
  type StarAddress
} from '@websocket-star/protocol'
import {
  ACCEPT_TIMEOUT,
  socketStreams,
  type SocketStreams,
  type Source,
  type WindowOptions
} from '@websocket-star/streams'
import type { Socket } from 'socket.io-client'
import { abortable } from './abort.js'
import { connectFailure } from './connect-failure.js'
import { Connection, type Direction, type PushStreams } from './connection.js'
import {
  ChallengeMissingError,
  ConnectionEvictedError,
  DialRefusedError,
  DialTimeoutError,
  JoinRefusedError,
  NotJoinedError,
  PeerNotFoundError,
  ServerProtocolError,
  ServerSilentError,
  ServerUnreachableError
} from './errors.js'
import { DeliveryConfirmation } from './delivery.js'
import { connectionToEvict } from './eviction.js'
import { encodedKey, type StarPrivateKey } from './key.js'
import { isAlive } from './liveness.js'
import { Semaphore } from './semaphore.js'
import { createSocket, openSocket, violationOf, type StarSocketOptions } from './star-socket.js'

export interface SessionOptions extends StarSocketOptions {
  privateKey: StarPrivateKey
  signAnyNonce: boolean
  allowUnchallenged: boolean
  /** Milliseconds for a server to answer a join. */
  joinTimeout: number
  /** Milliseconds from the call of a dial to its answer. */
  dialTimeout: number
  window: WindowOptions
  /** Bytes accepted beyond a stream's window before it is ended. */
  tolerance: number
  /** Maximum unread bytes of one stream, through a server without flow control. */
  maxUnread: number
  /** Connections open at once, above which inbound ones are evicted. */
  maxConnections: number
}

export interface SessionObserver {
  announced(address: unknown): void
  listed(addresses: readonly unknown[]): void
  changed(delta: unknown): void
  /** The connection has changed from polling to a WebSocket. */
  upgraded(): void
  /** {@link Session.isOwner} has changed. */
  ownership(session: Session): void
  /** The server will shut down in so many milliseconds. */
  drain(afterMs: number): void
  /** @returns why an inbound dial is refused; undefined to accept it */
  refusal(): string | undefined
  incoming(connection: Connection): void
}

/** Reasons sent to the other peer of a dial. */
const DIAL_INVALID = 'Invalid dial'
const TOO_MANY_CONNECTIONS = 'Too many connections'
const DIAL_ABANDONED = 'The dial was given up'

/** Reason of a session that was ended by {@link Session.probe}. */
const SILENT = 'the server did not answer'

/** Dials in progress at once: servers refuse more than a few dozen, so further ones queue here. */
const DIALS_AT_ONCE = 32

/** Rejection of a request that was not answered in time, distinct from any answer. */
const TIMEOUT = Symbol('no answer in time')

/** One connection to one server: joins, dials and accepts dials. A lost session is never reused. */
export class Session {
  readonly url: string
  /** Resolves with the reason when the session has ended. */
  readonly closed: Promise<string>
  readonly streams: SocketStreams
  /** Resolves when a draining server should be left for a new session. */
  readonly drained: Promise<undefined>
  /** Dials of this peer arrive here, not at another session with the same key. */
  isOwner = true
  /** What the server announced of itself; undefined if it does not speak the extensions. */
  server: { version: number; limits: Readonly<Record<string, number>> } | undefined
  readonly connections = new Map<Connection, PushStreams>()
  /** The addresses that are joined, oldest first. */
  readonly addresses = new Set<string>()
  readonly #socket: Socket
  readonly #options: SessionOptions
  readonly #observer: SessionObserver
  readonly #dialSlots = new Semaphore(DIALS_AT_ONCE)
  #dialling = 0
  #lost: (reason: string) => void = () => {}
  #isProbing = false
  #drain: () => void = () => {}
  #drainTimer: ReturnType<typeof setTimeout> | undefined
  #onIdle: (() => void) | undefined

  private constructor(url: string, socket: Socket, options: SessionOptions, observer: SessionObserver) {
    this.url = url
    this.#socket = socket
    this.#options = options
    this.#observer = observer
    this.streams = socketStreams(socket)
    this.closed = new Promise((resolve) => {
      this.#lost = resolve
      socket.once('disconnect', resolve)
    })
    const confirmation = new DeliveryConfirmation((acknowledged) => socket.emit(EVENTS.sync, acknowledged))
    this.streams.confirmDelivery = (delivered) => {
      if (this.server === undefined) delivered()
      else confirmation.confirm(delivered)
    }
    this.drained = new Promise((resolve) => (this.#drain = () => resolve(undefined)))
    this.#listen()
  }

  /** Connects to a server without joining. */
  static async connect(
    url: string,
    options: SessionOptions,
    observer: SessionObserver,
    signal: AbortSignal
  ): Promise<Session> {
    signal.throwIfAborted()
    let timer: ReturnType<typeof setTimeout> | undefined
    const socket = createSocket(url, options)
    const session = new Session(url, socket, options, observer)
    socket.io.on('packet', ({ type, nsp, data }) => {
      if (type === 0 && nsp === '/') session.server = parseConnectAnswer(data)
    })
    const connected = new Promise<void>((resolve, reject) => {
      const fail = (reason: string): void => reject(new ServerUnreachableError(url, reason))
      socket.once('connect', resolve)
      socket.once('connect_error', async (cause) => {
        const violation = violationOf(cause)
        if (violation !== undefined) return reject(new ServerProtocolError(url, violation, { cause }))
        // It comes right after, and says less.
        socket.io.off('close', fail)
        clearTimeout(timer)
        const { reason, status } = await connectFailure(cause, url, socket)
        reject(new ServerUnreachableError(url, reason, { cause, status }))
      })
      // The only event for a connection that is lost before socket.io's own handshake.
      socket.io.once('close', fail)
      timer = setTimeout(() => reject(new ServerSilentError(url, 'it did not answer in time')), options.connectTimeout)
    })
    openSocket(socket)
    socket.io.engine.once('upgrade', () => observer.upgraded())
    try {
      await abortable(connected, signal)
      return session
    } catch (error) {
      session.close()
      throw error
    } finally {
      clearTimeout(timer)
    }
  }

  /** Joins under an address and answers the server's challenge. */
  async join(address: string, signal: AbortSignal): Promise<void> {
    const { privateKey, signAnyNonce, allowUnchallenged } = this.#options
    const [error, nonce, peers] = await this.#requestJoin(address, encodedKey(privateKey.publicKey), signal)
    if (error !== undefined) throw new JoinRefusedError(this.url, error)
    if (nonce === undefined) {
      if (!allowUnchallenged) {
        this.leave(address)
        throw new ChallengeMissingError(this.url)
      }
      return this.#joined(address, peers)
    }
    if (!signAnyNonce) assertNonceFor(nonce, parseAddress(address))
    const signature = await abortable(signNonce(privateKey, nonce), signal)
    const [refusal, again, listed] = await this.#requestJoin(address, signature, signal)
    if (refusal !== undefined) throw new JoinRefusedError(this.url, refusal)
    if (again !== undefined) throw new ServerProtocolError(this.url, 'it sent a second nonce in answer to a signature')
    this.#joined(address, listed)
  }

  #joined(address: string, peers: readonly unknown[]): void {
    this.addresses.add(address)
    this.#observer.listed(peers)
  }

  leave(address: string): void {
    this.addresses.delete(address)
    if (this.#socket.connected) this.#socket.emit(EVENTS.leave, address)
  }

  /** Opens a connection to a peer on this server. */
  async dial(to: StarAddress, signal: AbortSignal | undefined): Promise<Connection> {
    const { dialTimeout } = this.#options
    const deadline = performance.now() + dialTimeout
    this.#dialling++
    let release: (() => void) | undefined
    try {
      release = await this.#dialSlots.acquire(signal, dialTimeout)
      if (release === undefined) throw new DialTimeoutError(to.canonical)
      return await this.#dial(to, signal, Math.max(1, deadline - performance.now()))
    } finally {
      this.#dialling--
      this.#checkIdle()
      release?.()
    }
  }

  async #dial(to: StarAddress, signal: AbortSignal | undefined, timeout: number): Promise<Connection> {
    signal?.throwIfAborted()
    const from = this.address
    if (from === undefined) throw new NotJoinedError()
    const id = createDialId()
    // The callee accepts while it answers.
    const acceptTimeout = this.#options.dialTimeout + ACCEPT_TIMEOUT
    const sink = this.streams.createSink(halfName(id, 'dialer'), { codec: 'buffer', framing: 'bytes', acceptTimeout })
    // Created before the answer, because the callee may end its half right after answering.
    const source = this.#createSource(halfName(id, 'listener'), true)
    const answer = this.#request(EVENTS.dial, timeout, from, to.canonical, id)
    try {
      const [error] = await abortable(answer, signal)
      const refusal = ackError(error)
      if (refusal !== undefined) throw dialError(to.canonical, refusal)
    } catch (error) {
      // The server has the stream already, and the other peer may have it too.
      if (signal?.aborted === true || error === TIMEOUT) {
        sink.abort(DIAL_ABANDONED)
        // If an answer is still on its way, the callee has opened its half, which has to end as well.
        const endOtherHalf = (): void => this.#sendError(halfName(id, 'listener'), DIAL_ABANDONED)
        answer.then(endOtherHalf, endOtherHalf)
      } else sink.discard(error)
      source.discard(error)
      if (error === TIMEOUT) throw new DialTimeoutError(to.canonical)
      throw error
    }
    source.accept()
    return this.#open(id, 'outbound', to, { sink, source })
  }

  /** The address that this session dials from. */
  get address(): string | undefined {
    const [first] = this.addresses
    return first
  }

  /** Resolves when no connection is open and no dial in progress, or the session has ended. */
  async idle(): Promise<void> {
    await Promise.race([
      this.closed,
      new Promise<void>((resolve) => {
        this.#onIdle = resolve
        this.#checkIdle()
      })
    ])
  }

  /** Ends the session if the server gives no sign of life within some seconds: its path may be dead while the socket is open. */
  async probe(): Promise<void> {
    const { address } = this
    if (this.#isProbing || address === undefined || !this.#socket.connected) return
    this.#isProbing = true
    let hasAnswered = false
    const onPacket = (): void => void (hasAnswered = true)
    const { engine } = this.#socket.io
    engine.once('packet', onPacket)
    const answered = (): void => {}
    const isConnected = await isAlive({
      // Any server answers a repeated join.
      ask: () => {
        if (this.server !== undefined) this.#socket.emit(EVENTS.sync, answered)
        else this.#socket.emit(EVENTS.join, address, encodedKey(this.#options.privateKey.publicKey), answered)
      },
      hasAnswered: () => hasAnswered,
      unsent: () => this.streams.unsentBytes,
      ended: this.closed
    })
    engine.off('packet', onPacket)
    this.#isProbing = false
    if (isConnected || !this.#socket.connected) return
    this.streams.loseConnection(SILENT)
    this.#lost(SILENT)
  }

  #checkIdle(): void {
    if (this.connections.size === 0 && this.#dialling === 0) this.#onIdle?.()
  }

  #sendError(stream: string, reason: string): void {
    if (this.#socket.connected) this.#socket.emit(streamEventName('error', stream), reason)
  }

  close(): void {
    clearTimeout(this.#drainTimer)
    // The server tells the other peers, each as it understands: a legacy peer would take a reason for a failure.
    this.streams.discard('The client left the server')
    this.#socket.disconnect()
    this.#socket.removeAllListeners()
    this.#socket.io.removeAllListeners()
  }

  #listen(): void {
    const socket = this.#socket
    socket.on(EVENTS.peer, (address: unknown) => this.#observer.announced(address))
    socket.on(EVENTS.peers, (delta: unknown) => void this.#observer.changed(delta))
    socket.on(EVENTS.taken, () => this.#setOwner(false))
    socket.on(EVENTS.held, () => this.#setOwner(true))
    socket.on(EVENTS.drain, (notice: unknown) => {
      const parsed = parseDrainNotice(notice)
      // Only the first notice counts, so that a server cannot make the client keep many timers.
      if (parsed === undefined || this.#drainTimer !== undefined) return
      this.#drainTimer = setTimeout(this.#drain, parsed.afterMs)
      this.#observer.drain(parsed.afterMs)
    })
    socket.on(EVENTS.incoming, (...args: unknown[]) => this.#receiveDial(args))
  }

  #setOwner(isOwner: boolean): void {
    this.isOwner = isOwner
    this.#observer.ownership(this)
  }

  /** @returns the reason of a refusal, the nonce if there is one, and the peers that are online */
  async #requestJoin(
    address: string,
    data: string,
    signal: AbortSignal
  ): Promise<[refusal: string | undefined, nonce: string | undefined, peers: readonly unknown[]]> {
    const request = this.#request(EVENTS.join, this.#options.joinTimeout, address, data)
    const [error, nonce, peers] = await abortable(request, signal).catch((error: unknown) => {
      throw error === TIMEOUT ? new ServerSilentError(this.url, 'it did not answer a join in time') : error
    })
    const refusal = ackError(error)
    if (refusal !== undefined) return [refusal, undefined, []]
    if (nonce !== null && nonce !== undefined && typeof nonce !== 'string') {
      throw new ServerProtocolError(this.url, `it answered a join with ${typeof nonce} for a nonce`)
    }
    if (peers !== null && peers !== undefined && !Array.isArray(peers)) {
      throw new ServerProtocolError(this.url, `it answered a join with ${typeof peers} for a list of peers`)
    }
    return [undefined, nonce ?? undefined, peers ?? []]
  }

  /** Emits an event and resolves with its acknowledgement. @throws TIMEOUT, or {@link ServerUnreachableError} */
  #request(event: string, timeout: number, ...args: unknown[]): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      if (!this.#socket.connected) return reject(new ServerUnreachableError(this.url, 'the connection is lost'))
      this.#socket.timeout(timeout).emit(event, ...args, (failure: Error | null, ...answer: unknown[]) => {
        if (failure === null) resolve(answer)
        else if (this.#socket.connected) reject(TIMEOUT)
        else reject(new ServerUnreachableError(this.url, 'the connection was lost', { cause: failure }))
      })
    })
  }

  #receiveDial(args: readonly unknown[]): void {
    const [id, from] = args
    const ack = args.at(-1)
    const answer = (error?: string): void => {
      if (typeof ack !== 'function') return
      if (error === undefined) ack()
      else ack(error)
    }
    if (!isDialId(id) || typeof from !== 'string') return answer(DIAL_INVALID)
    let remote: StarAddress
    try {
      remote = parseAddress(from)
    } catch {
      return answer(WIRE_ERRORS.invalidMultiaddr)
    }
    const refusal = this.#observer.refusal()
    if (refusal !== undefined) return answer(refusal)
    if (this.streams.has(halfName(id, 'listener')) || this.streams.has(halfName(id, 'dialer'))) {
      return answer(WIRE_ERRORS.dialIdInUse)
    }
    if (!this.#makeRoom(remote)) return answer(TOO_MANY_CONNECTIONS)
    const sink = this.streams.createSink(halfName(id, 'listener'), { codec: 'buffer', framing: 'bytes' })
    const source = this.#createSource(halfName(id, 'dialer'), false)
    const connection = this.#open(id, 'inbound', remote, { sink, source })
    // Sent after the source has accepted the caller's half: the answer must not overtake that.
    answer()
    this.#observer.incoming(connection)
  }

  /** Evicts a connection if too many are open. @returns whether the dialer may have one */
  #makeRoom({ peerId, canonical }: StarAddress): boolean {
    const { connections } = this
    if (connections.size < this.#options.maxConnections) return true
    const dialer = { remotePeerId: peerId, remoteAddress: canonical }
    const usedAt = (connection: Connection): number => {
      const { sink, source } = connections.get(connection) ?? {}
      return Math.max(sink?.usedAt ?? 0, source?.usedAt ?? 0)
    }
    const evicted = connectionToEvict(connections.keys(), dialer, usedAt, performance.now())
    if (evicted === undefined) return false
    evicted.abort(new ConnectionEvictedError())
    connections.delete(evicted)
    return true
  }

  #createSource(name: string, deferred: boolean): Source {
    const { window, tolerance, maxUnread } = this.#options
    const limit = this.server === undefined ? maxUnread : tolerance
    return this.streams.createSource(name, { codec: 'buffer', framing: 'bytes', window, tolerance: limit, deferred })
  }

  #open(id: string, direction: Direction, remote: StarAddress, streams: PushStreams): Connection {
    const connection = new Connection({
      id,
      direction,
      remoteAddress: remote.canonical,
      remotePeerId: remote.peerId,
      localAddress: this.address ?? '',
      streams
    })
    this.connections.set(connection, streams)
    connection.closed
      .catch(() => {})
      .finally(() => {
        this.connections.delete(connection)
        this.#checkIdle()
      })
    return connection
  }
}

function dialError(target: string, reason: string): Error {
  if (reason === WIRE_ERRORS.peerNotFound) return new PeerNotFoundError(target)
  if (reason === WIRE_ERRORS.dialTimeout) return new DialTimeoutError(target)
  return new DialRefusedError(target, reason)
}
