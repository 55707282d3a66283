import {
  ackError,
  assertNonceFor,
  createDialId,
  EVENTS,
  EXTENSIONS_VERSION,
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
import { socketStreams, type Sink, type SocketStreams, type Source, type WindowOptions } from '@websocket-star/streams'
import { Manager, type ManagerOptions, type Socket } from 'socket.io-client'
import { abortable } from './abort.js'
import { Connection, type Direction } from './connection.js'
import {
  ChallengeMissingError,
  DialRefusedError,
  DialTimeoutError,
  GaveWayError,
  JoinRefusedError,
  NotJoinedError,
  PeerNotFoundError,
  ServerProtocolError,
  ServerUnreachableError
} from './errors.js'
import { encodedKey, type StarPrivateKey } from './key.js'
import { connectionToGiveWay } from './room.js'
import { Slots } from './slots.js'
import { checkHandshake } from './strict-handshake.js'
import { STRICT_PARSER } from './strict-parser.js'

export interface SessionOptions {
  privateKey: StarPrivateKey
  /** Sign whatever a server sends, as old clients do. */
  signAnyNonce: boolean
  /** Join servers that ask for no proof. */
  allowUnchallenged: boolean
  /** Milliseconds to wait for a connection, for an answer to a join, and for one to a dial. */
  connectTimeout: number
  joinTimeout: number
  dialTimeout: number
  window: WindowOptions
  /** Bytes beyond its window that may come before a stream is ended. */
  tolerance: number
  /** Unread bytes of one stream at a server that knows no windows. */
  maxUnread: number
  /** Open at once, from which on those that others open give way to each other. */
  maxConnections: number
  transports: readonly ('websocket' | 'polling')[]
  /** More for socket.io-client's manager, such as `extraHeaders` or `ca`. */
  socket: Partial<ManagerOptions>
}

/** What a session tells of. */
export interface SessionListener {
  announced(address: unknown): void
  listed(addresses: readonly unknown[]): void
  changed(delta: unknown): void
  /** Another session holds the peer now, or this one does again: see {@link Session.isTaken}. */
  taken(session: Session): void
  /** The server goes down in so many milliseconds: see {@link Session.drained}. */
  drain(afterMs: number): void
  /** @returns why it is not taken, or undefined if the connection will be handled */
  refusal(): string | undefined
  incoming(connection: Connection): void
}

/** Told to a caller whose dial cannot be read. */
const BAD_DIAL = 'Invalid dial'
const TOO_MANY = 'Too many connections'
/** Told to a callee. */
const GIVEN_UP = 'The dial was given up'

/** Dials under way at once: servers refuse more than some dozens, so others wait their turn. */
const DIALS_AT_ONCE = 32

/** One connection to one server: it joins there, dials and is dialled. Once lost it is not used again. */
export class Session {
  readonly url: string
  /** Settles when it is over, with why. */
  readonly closed: Promise<string>
  readonly streams: SocketStreams
  /** Fulfilled when it is time to connect anew, because the server goes down. */
  readonly drained: Promise<undefined>
  /** Another session with the same key is dialled in this one's place. */
  isTaken = false
  /** What the server said of itself when it was connected; undefined for one that knows no extensions. */
  server: { version: number; limits: Readonly<Record<string, number>> } | undefined
  readonly connections = new Set<Connection>()
  /** The addresses that are joined, oldest first. */
  readonly addresses = new Set<string>()
  readonly #socket: Socket
  readonly #options: SessionOptions
  readonly #listener: SessionListener
  readonly #dials = new Slots(DIALS_AT_ONCE)
  #dialling = 0
  #drain: () => void = () => {}
  #drainTimer: ReturnType<typeof setTimeout> | undefined
  /** Called when the last connection has ended, if somebody waits for that. */
  #onIdle: (() => void) | undefined

  private constructor(url: string, socket: Socket, options: SessionOptions, listener: SessionListener) {
    this.url = url
    this.#socket = socket
    this.#options = options
    this.#listener = listener
    this.streams = socketStreams(socket)
    this.closed = new Promise((resolve) => socket.once('disconnect', resolve))
    this.drained = new Promise((resolve) => (this.#drain = () => resolve(undefined)))
    this.#listen()
  }

  /**
   * Connects; nothing is joined yet.
   *
   * @throws {ServerUnreachableError}, or the signal's reason
   */
  static async connect(
    url: string,
    options: SessionOptions,
    listener: SessionListener,
    signal: AbortSignal
  ): Promise<Session> {
    signal.throwIfAborted()
    let timer: ReturnType<typeof setTimeout> | undefined
    const manager = new Manager(url, {
      transports: [...options.transports],
      // Where WebSockets are blocked, polling may not be.
      tryAllTransports: true,
      timeout: options.connectTimeout,
      ...options.socket,
      parser: STRICT_PARSER,
      autoConnect: false,
      // A new attempt is a new session: what socket.io keeps for a lost one would come too late.
      reconnection: false
    })
    const auth = { websocketStar: { version: EXTENSIONS_VERSION, peers: 'deltas' } }
    const socket = manager.socket('/', { auth })
    const session = new Session(url, socket, options, listener)
    manager.on('packet', ({ type, nsp, data }) => {
      if (type === 0 && nsp === '/') session.server = parseConnectAnswer(data)
    })
    const connected = new Promise<void>((resolve, reject) => {
      const fail = (reason: string, cause?: unknown): void => reject(new ServerUnreachableError(url, reason, { cause }))
      socket.once('connect', resolve)
      socket.once('connect_error', (cause) => fail(reasonOf(cause), cause))
      // A connection that is lost before socket.io's own handshake is told by this alone.
      manager.once('close', (reason) => fail(reason))
      timer = setTimeout(() => fail('it did not answer in time'), options.connectTimeout)
    })
    socket.connect()
    checkHandshake(manager.engine)
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

  /**
   * Joins under an address: answers the challenge, and tells who is there.
   *
   * @throws {JoinRefusedError}, {ChallengeMissingError}, {ServerProtocolError}, InvalidNonceError of the protocol
   * package, or the signal's reason
   */
  async join(address: string, signal: AbortSignal): Promise<void> {
    const { privateKey, signAnyNonce, allowUnchallenged } = this.#options
    const [error, nonce, peers] = await this.#askToJoin(address, encodedKey(privateKey.publicKey), signal)
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
    const [refusal, again, listed] = await this.#askToJoin(address, signature, signal)
    if (refusal !== undefined) throw new JoinRefusedError(this.url, refusal)
    if (again !== undefined) throw new ServerProtocolError(this.url, 'it sent a second nonce in answer to a signature')
    this.#joined(address, listed)
  }

  #joined(address: string, peers: readonly unknown[]): void {
    this.addresses.add(address)
    this.#listener.listed(peers)
  }

  leave(address: string): void {
    this.addresses.delete(address)
    if (this.#socket.connected) this.#socket.emit(EVENTS.leave, address)
  }

  /**
   * Opens a connection to a peer of this star.
   *
   * @throws {PeerNotFoundError}, {DialRefusedError}, {DialTimeoutError}, {ServerUnreachableError}, or the signal's reason
   */
  async dial(to: StarAddress, signal: AbortSignal | undefined): Promise<Connection> {
    const release = await this.#dials.acquire(signal)
    this.#dialling++
    try {
      return await this.#dial(to, signal)
    } finally {
      this.#dialling--
      this.#lookIdle()
      release()
    }
  }

  async #dial(to: StarAddress, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted()
    const from = this.address
    if (from === undefined) throw new NotJoinedError()
    const id = createDialId()
    const sink = this.streams.createSink(halfName(id, 'dialer'), { codec: 'buffer', framing: 'bytes' })
    // The callee may break its half as soon as it has answered: somebody has to hear that.
    const source = this.#createSource(halfName(id, 'listener'), true)
    const answer = this.#request(EVENTS.dial, this.#options.dialTimeout, from, to.canonical, id)
    try {
      const [error] = await abortable(answer, signal)
      const refusal = ackError(error)
      if (refusal !== undefined) throw dialError(to.canonical, refusal)
    } catch (error) {
      // The server knows of the stream, and the other peer may by now.
      if (signal?.aborted === true || error === TIMEOUT) {
        sink.abort(GIVEN_UP)
        // The answer may be under way: then there is a way back by now, which is to end as well.
        const endWayBack = (): void => this.#sendError(halfName(id, 'listener'), GIVEN_UP)
        answer.then(endWayBack, endWayBack)
      } else sink.discard(error)
      source.discard(error)
      if (error === TIMEOUT) throw new DialTimeoutError(to.canonical)
      throw error
    }
    source.accept()
    return this.#open({ id, direction: 'outbound', remote: to, sink, source })
  }

  /** What this session dials from. */
  get address(): string | undefined {
    const [first] = this.addresses
    return first
  }

  /** Waits until no connection and no dial goes over it any more, or it is lost. */
  async idle(): Promise<void> {
    await Promise.race([
      this.closed,
      new Promise<void>((resolve) => {
        this.#onIdle = resolve
        this.#lookIdle()
      })
    ])
  }

  #lookIdle(): void {
    if (this.connections.size === 0 && this.#dialling === 0) this.#onIdle?.()
  }

  #sendError(stream: string, reason: string): void {
    if (this.#socket.connected) this.#socket.emit(streamEventName('error', stream), reason)
  }

  /** Ends everything that goes over it. */
  close(): void {
    clearTimeout(this.#drainTimer)
    this.streams.close('The client left the server')
    this.#socket.disconnect()
    this.#socket.removeAllListeners()
    this.#socket.io.removeAllListeners()
  }

  #listen(): void {
    const socket = this.#socket
    socket.on(EVENTS.peer, (address: unknown) => this.#listener.announced(address))
    socket.on(EVENTS.peers, (delta: unknown) => void this.#listener.changed(delta))
    socket.on(EVENTS.taken, () => this.#setTaken(true))
    socket.on(EVENTS.held, () => this.#setTaken(false))
    socket.on(EVENTS.drain, (notice: unknown) => {
      const parsed = parseDrainNotice(notice)
      // The first notice counts: a timer each would be as many as the server likes.
      if (parsed === undefined || this.#drainTimer !== undefined) return
      this.#drainTimer = setTimeout(this.#drain, parsed.afterMs)
      this.#listener.drain(parsed.afterMs)
    })
    socket.on(EVENTS.incoming, (...args: unknown[]) => this.#receiveDial(args))
  }

  #setTaken(isTaken: boolean): void {
    this.isTaken = isTaken
    this.#listener.taken(this)
  }

  /** @returns why it was refused, the nonce if there is one, and who is there */
  async #askToJoin(
    address: string,
    data: string,
    signal: AbortSignal
  ): Promise<[refusal: string | undefined, nonce: string | undefined, peers: readonly unknown[]]> {
    const asked = this.#request(EVENTS.join, this.#options.joinTimeout, address, data)
    const [error, nonce, peers] = await abortable(asked, signal).catch((error: unknown) => {
      throw error === TIMEOUT ? new ServerUnreachableError(this.url, 'it did not answer a join in time') : error
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

  /** @throws TIMEOUT, or {@link ServerUnreachableError} if the connection is lost */
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
    if (!isDialId(id) || typeof from !== 'string') return answer(BAD_DIAL)
    let remote: StarAddress
    try {
      remote = parseAddress(from)
    } catch {
      return answer(WIRE_ERRORS.invalidMultiaddr)
    }
    const refusal = this.#listener.refusal()
    if (refusal !== undefined) return answer(refusal)
    if (this.streams.has(halfName(id, 'listener')) || this.streams.has(halfName(id, 'dialer'))) {
      return answer(WIRE_ERRORS.dialIdInUse)
    }
    if (!this.#makeRoom(remote)) return answer(TOO_MANY)
    const sink = this.streams.createSink(halfName(id, 'listener'), { codec: 'buffer', framing: 'bytes' })
    const source = this.#createSource(halfName(id, 'dialer'), false)
    const connection = this.#open({ id, direction: 'inbound', remote, sink, source })
    // By now the caller's half is accepted: the answer must not overtake that.
    answer()
    this.#listener.incoming(connection)
  }

  /** @returns whether a peer that dials may have one more connection: that of another may end for it */
  #makeRoom({ peerId, canonical }: StarAddress): boolean {
    if (this.connections.size < this.#options.maxConnections) return true
    const dialer = { remotePeerId: peerId, remoteAddress: canonical }
    const connection = connectionToGiveWay(this.connections, dialer, performance.now())
    if (connection === undefined) return false
    connection.abort(new GaveWayError())
    this.connections.delete(connection)
    return true
  }

  #createSource(name: string, deferred: boolean): Source {
    const { window, tolerance, maxUnread } = this.#options
    const limit = this.server === undefined ? maxUnread : tolerance
    return this.streams.createSource(name, { codec: 'buffer', framing: 'bytes', window, tolerance: limit, deferred })
  }

  #open({ id, direction, remote, sink, source }: Opening): Connection {
    const connection = new Connection({
      id,
      direction,
      remoteAddress: remote.canonical,
      remotePeerId: remote.peerId,
      localAddress: this.address ?? '',
      sink,
      source
    })
    this.connections.add(connection)
    connection.closed
      .catch(() => {})
      .finally(() => {
        this.connections.delete(connection)
        this.#lookIdle()
      })
    return connection
  }
}

/** What a dial has brought. */
interface Opening {
  id: string
  direction: Direction
  remote: StarAddress
  sink: Sink
  source: Source
}

/**
 * engine.io says `websocket error` or `xhr poll error` of everything; what it was is further inside, where the platform
 * tells. Browsers do not tell why no WebSocket could be opened, nor, by status 0, why there was no answer.
 */
function reasonOf(error: Error): string {
  const { description } = error as { description?: unknown }
  if (typeof description === 'number') {
    return description === 0
      ? 'no answer, or none that a page of this origin may read'
      : `Unexpected server response: ${description}`
  }
  const inner = typeof description === 'object' && description !== null && 'message' in description
  return inner && typeof description.message === 'string' && description.message !== ''
    ? description.message
    : error.message
}

/** Told apart from what a server says. */
const TIMEOUT = Symbol('no answer in time')

function dialError(target: string, reason: string): Error {
  if (reason === WIRE_ERRORS.peerNotFound) return new PeerNotFoundError(target)
  if (reason === WIRE_ERRORS.dialTimeout) return new DialTimeoutError(target)
  return new DialRefusedError(target, reason)
}
