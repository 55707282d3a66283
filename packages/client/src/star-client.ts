/// <reference lib="esnext.disposable" preserve="true" />
import { InvalidOptionsError } from '@websocket-star/protocol'
import { StreamError } from '@websocket-star/streams'
import { abortable } from './abort.js'
import type { Connection } from './connection.js'
import { parseDialTarget } from './dial-target.js'
import { ClientClosedError, JoinAbortedError, NotJoinedError, PeerNotFoundError } from './errors.js'
import { StarEventEmitter } from './event-target.js'
import { clientStateOf, type ClientState, type ServerStatus } from './events.js'
import { encodedKey, generateKey, type StarPrivateKey } from './key.js'
import { resolveOptions, type ResolvedOptions, type StarClientOptions } from './options.js'
import { watchPageLifecycle } from './page-lifecycle.js'
import { PeerTable } from './peer-table.js'
import type { Peers } from './peers.js'
import { parseServer } from './server-address.js'
import { ServerPeers } from './server-peers.js'
import { SessionManager, type SessionManagerObserver } from './session-manager.js'
import { watchWake } from './wake.js'

/** Handles a connection that another peer opened. If it throws or rejects, the connection is aborted. */
export type ConnectionHandler = (connection: Connection) => void | Promise<void>

/** Reasons sent to the peer that dialled. */
const NOT_ACCEPTING = 'Not accepting connections'
const HANDLER_FAILED = 'The connection could not be handled'

/** Bytes accepted beyond a window: an old sender, which the server pauses, may have that many in flight. */
const TOLERANCE = 4_194_304

/** Creates a client. Call {@link StarClient.join} to connect it. @throws {InvalidOptionsError} */
export async function createStarClient(options: StarClientOptions): Promise<StarClient> {
  const resolved = resolveOptions(options)
  return new StarClient(resolved, options.privateKey ?? (await generateKey()))
}

/** A peer on one or more servers, which work independently of each other. */
export class StarClient extends StarEventEmitter implements AsyncDisposable {
  /** This client's peer id, as base58btc multihash. */
  readonly peerId: string
  readonly privateKey: StarPrivateKey
  /** The other peers that are online. */
  readonly peers: Peers
  readonly #options: ResolvedOptions
  readonly #peerTable: PeerTable
  readonly #servers = new Map<string, SessionManager>()
  readonly #stop = new AbortController()
  #handler: ConnectionHandler | undefined
  #state: ClientState = 'left'

  /** Use {@link createStarClient}. */
  constructor(options: ResolvedOptions, privateKey: StarPrivateKey) {
    super()
    if (typeof privateKey?.sign !== 'function' || privateKey.publicKey === undefined) {
      throw new InvalidOptionsError('privateKey: expected a key, such as the result of generateKey()')
    }
    // Throws for a key type that no server accepts.
    encodedKey(privateKey.publicKey)
    this.privateKey = privateKey
    this.peerId = privateKey.publicKey.toString()
    this.#options = options
    this.#peerTable = new PeerTable(this)
    this.peers = this.#peerTable.peers
    for (const server of options.servers) parseServer(server, this.peerId)
    const onBack = (): void => {
      for (const server of this.#servers.values()) server.revive()
    }
    watchPageLifecycle({ onBack, onAway: () => this.#suspend() }, this.#stop.signal)
    watchWake(onBack, this.#stop.signal)
  }

  /** This client's addresses on all servers that are joined. */
  get addresses(): string[] {
    return this.servers.flatMap(({ addresses }) => addresses)
  }

  get servers(): ServerStatus[] {
    return [...this.#servers.values()].map(({ status }) => status)
  }

  /** Whether anyone can be reached: the state of the best server. Changes are told by `client:state` events. */
  get state(): ClientState {
    return this.#state
  }

  /**
   * Joins the servers of the options, or one more. The client retries servers that are down for as long as it is open, and reports
   * them in `server:status` events. Limit the wait by a signal, such as `AbortSignal.timeout(10_000)`; retries continue after it.
   *
   * @returns once one of them is joined; with `strict`, once all are
   * @throws {JoinAbortedError} if the signal aborts after an attempt failed; its `cause` is the latest failure
   * @throws the signal's reason if it aborts before that
   * @throws with `strict`, the error of a server that cannot be joined; these servers are not retried
   * @throws {ClientClosedError}, {InvalidOptionsError}
   */
  async join({ server, signal }: { server?: string; signal?: AbortSignal } = {}): Promise<void> {
    this.#throwIfClosed()
    const texts = server === undefined ? this.#options.servers : [server]
    const servers = await Promise.all(texts.map((text) => this.#addServer(text)))
    if (servers.length === 0) return
    const closed = this.#stop.signal
    const either = signal === undefined ? closed : AbortSignal.any([signal, closed])
    try {
      if (this.#options.strict) await Promise.all(servers.map((each) => each.attempted(either)))
      else await Promise.any(servers.map((each) => each.joined(either)))
    } catch (error) {
      this.#throwIfClosed()
      if (signal?.aborted === true) throw joinAborted(signal.reason, servers)
      if (!this.#options.strict) throw new NotJoinedError('All servers were left while they were being joined')
      for (const text of texts) await this.leave(text)
      throw error
    }
  }

  /** Leaves a server and ends all connections through it. The signal ends the wait only. */
  async leave(server: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { url, prefix } = parseServer(server, this.peerId)
    const manager = this.#servers.get(url)
    if (manager === undefined || manager.remove(prefix)) return
    this.#servers.delete(url)
    this.#updateState()
    await abortable(manager.close(), signal)
  }

  /**
   * Opens a connection to a peer, through a server that has announced it if there is one, else through any.
   *
   * @param target - a peer id, or an address that ends in one. An address on a server that is not joined is dialled by its peer id
   * @throws {PeerNotFoundError}, {DialRefusedError}, {DialTimeoutError}, {NotJoinedError}, {ClientClosedError},
   * {InvalidAddressError}, or the signal's reason
   */
  async dial(target: string, { signal }: { signal?: AbortSignal } = {}): Promise<Connection> {
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const address = parseDialTarget(target)
    const joined = [...this.#servers.values()].filter(({ isJoined }) => isJoined)
    if (joined.length === 0) throw new NotJoinedError()
    const { peerId } = address
    const rank = (server: SessionManager): number =>
      server.covers(address) ? 0 : peerId !== undefined && server.knows(peerId) ? 1 : 2
    let failure: unknown = new PeerNotFoundError(target)
    for (const server of joined.toSorted((a, b) => rank(a) - rank(b))) {
      const isCovered = server.covers(address)
      if (!isCovered && peerId === undefined) continue
      try {
        return await server.dial(isCovered || peerId === undefined ? address : server.addressOf(peerId), signal)
      } catch (error) {
        signal?.throwIfAborted()
        this.#throwIfClosed()
        // The error of a server that knows the peer says more than `Peer not found` of the others.
        if (!(error instanceof PeerNotFoundError) && failure instanceof PeerNotFoundError) failure = error
      }
    }
    throw failure
  }

  /** Sets the handler of inbound connections, or removes it. Without a handler they are refused. */
  handle(handler: ConnectionHandler | undefined): void {
    this.#handler = handler
  }

  /** Retries all servers that are waiting, at once. */
  retry(): void {
    for (const server of this.#servers.values()) server.retry()
  }

  /** Leaves all servers when the page is hidden away, so that other peers see this one leave; `retry` joins again. */
  #suspend(): void {
    for (const server of this.#servers.values()) server.suspend()
  }

  /** Leaves all servers for good. The signal ends the wait only. */
  async close({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#stop.abort(new ClientClosedError())
    this.#handler = undefined
    const closed = Promise.all([...this.#servers.values()].map((server) => server.close())).then(() => {
      this.#servers.clear()
      this.#updateState()
      this.#peerTable.close()
    })
    await abortable(closed, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #throwIfClosed(): void {
    if (this.#stop.signal.aborted) throw new ClientClosedError()
  }

  async #addServer(text: string): Promise<SessionManager> {
    const server = parseServer(text, this.peerId)
    const known = this.#servers.get(server.url)
    if (known !== undefined) {
      if (server.authorization !== undefined && server.authorization !== known.authorization) {
        throw new InvalidOptionsError(`servers: ${server.url} is in use with other credentials: leave it first`)
      }
      await known.add(server.prefix, this.#stop.signal)
      return known
    }
    const { maxPeers, peerExpiry, servers: _, ...options } = this.#options
    const { privateKey } = this
    const manager = new SessionManager(
      server,
      this.peerId,
      { ...options, privateKey, tolerance: TOLERANCE },
      () => new ServerPeers(this.#peerTable, { self: this.peerId, maxPeers, expiry: peerExpiry }),
      this.#observer
    )
    this.#servers.set(server.url, manager)
    return manager
  }

  #updateState(): void {
    const state = clientStateOf(this.servers)
    if (state === this.#state) return
    this.#state = state
    this.safeDispatchEvent('client:state', { detail: state })
  }

  readonly #observer: SessionManagerObserver = {
    status: (status) => {
      this.safeDispatchEvent('server:status', { detail: status })
      this.#updateState()
    },
    drain: (notice) => void this.safeDispatchEvent('server:drain', { detail: notice }),
    refusal: () => (this.#handler === undefined ? NOT_ACCEPTING : undefined),
    incoming: (connection) => void this.#handle(connection)
  }

  async #handle(connection: Connection): Promise<void> {
    try {
      await this.#handler?.(connection)
    } catch (error) {
      // The handler's error may contain what the other peer must not see.
      connection.abort(HANDLER_FAILED)
      // A stream error means that the connection ended early, which is no fault of the handler.
      if (!(error instanceof StreamError)) {
        this.safeDispatchEvent('handler:error', { detail: { connection, error } })
      }
    }
  }
}

/** Returns the error of an aborted join: with the latest failure as its cause, if an attempt has failed. */
function joinAborted(reason: unknown, servers: readonly SessionManager[]): unknown {
  const [latest] = servers
    .filter(({ status }) => status.error !== undefined)
    .toSorted((one, other) => other.failedAt - one.failedAt)
  const error = latest?.status.error
  return error === undefined ? reason : new JoinAbortedError(reason, error)
}
