import { parseAddress, rebase, type StarAddress } from '@websocket-star/protocol'
import { abortable, delay } from './abort.js'
import { Backoff, type BackoffOptions } from './backoff.js'
import type { Connection } from './connection.js'
import { ClientClosedError, NotJoinedError, ServerSilentError, ServerUnreachableError } from './errors.js'
import type { ServerState, ServerStatus } from './events.js'
import type { ServerAddress } from './server-address.js'
import type { ServerPeers } from './server-peers.js'
import { Session, type SessionOptions } from './session.js'
import { TransportOrder } from './transport-order.js'

export interface SessionManagerOptions extends Omit<SessionOptions, 'authorization'> {
  backoff: BackoffOptions
}

export interface SessionManagerObserver {
  status(status: ServerStatus): void
  drain(notice: { url: string; afterMs: number }): void
  /** See {@link SessionObserver.refusal}. */
  refusal(): string | undefined
  incoming(connection: Connection): void
}

/** Milliseconds after which a session counts as a success, so that the back-off starts anew. */
const STABLE_AFTER = 10_000
/** Maximum number of old sessions that are finishing their streams, for servers that drain again and again. */
const RETIRING_MAX = 4

/**
 * Keeps one server joined: opens a session, and a new one when it is lost, with growing pauses. When the server drains, a new
 * session is opened while the old one finishes its streams.
 */
export class SessionManager {
  readonly url: string
  readonly authorization: string | undefined
  readonly #peerId: string
  readonly #prefixes: string[]
  readonly #options: SessionManagerOptions
  readonly #createPeers: () => ServerPeers
  readonly #observer: SessionManagerObserver
  readonly #backoff: Backoff
  readonly #transportOrder: TransportOrder
  readonly #stop = new AbortController()
  readonly #stopped: Promise<void>
  /** Ends the pause between two attempts. */
  #wake = new AbortController()
  #state: ServerState = 'connecting'
  #error: Error | undefined
  #failedAt = 0
  #retryAt: number | undefined
  /** The current session, and the peers announced to it. */
  #session: Session | undefined
  #peers: ServerPeers | undefined
  /** Old sessions that are finishing their streams. */
  readonly #retiring = new Set<Session>()
  readonly #onAttempt = new Set<(error?: Error) => void>()
  readonly #done: Promise<void>

  constructor(
    server: ServerAddress,
    peerId: string,
    options: SessionManagerOptions,
    createPeers: () => ServerPeers,
    observer: SessionManagerObserver
  ) {
    this.url = server.url
    this.authorization = server.authorization
    this.#peerId = peerId
    this.#prefixes = [server.prefix]
    this.#options = options
    this.#createPeers = createPeers
    this.#observer = observer
    this.#backoff = new Backoff(options.backoff)
    this.#transportOrder = new TransportOrder(options.transports)
    this.#stopped = new Promise((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
    // Deferred, so that the owner has this object when the first status arrives.
    this.#done = Promise.resolve().then(() => this.#run())
  }

  get status(): ServerStatus {
    return {
      url: this.url,
      addresses: [...(this.#session?.addresses ?? [])],
      state: this.#state,
      error: this.#error,
      retryAt: this.#retryAt,
      limits: this.#session?.server?.limits
    }
  }

  get isJoined(): boolean {
    return this.#session?.address !== undefined
  }

  /** When the last attempt failed; milliseconds of `performance.now()`. */
  get failedAt(): number {
    return this.#failedAt
  }

  /** Returns whether the server has announced a peer. */
  knows(peerId: string): boolean {
    return this.#peers?.has(peerId) ?? false
  }

  /** Returns the address of a peer on this server. */
  addressOf(peerId: string): StarAddress {
    return parseAddress(rebase(peerId, this.#prefixes[0] ?? '', 'canonical'))
  }

  /** Returns whether an address is on this server, by one of the prefixes that are joined. */
  covers(address: StarAddress): boolean {
    return address.prefix !== undefined && this.#prefixes.includes(address.prefix)
  }

  /** Joins one more prefix. If that is refused, the others stay joined. */
  async add(prefix: string, signal: AbortSignal): Promise<void> {
    if (this.#prefixes.includes(prefix)) return
    this.#prefixes.push(prefix)
    try {
      await this.#session?.join(rebase(this.#peerId, prefix, 'canonical'), signal)
      this.#publishStatus()
    } catch (error) {
      this.#prefixes.splice(this.#prefixes.indexOf(prefix), 1)
      throw error
    }
  }

  /** Leaves one prefix. @returns whether any others remain */
  remove(prefix: string): boolean {
    const index = this.#prefixes.indexOf(prefix)
    if (index >= 0) this.#prefixes.splice(index, 1)
    this.#session?.leave(rebase(this.#peerId, prefix, 'canonical'))
    if (this.#prefixes.length > 0) this.#publishStatus()
    return this.#prefixes.length > 0
  }

  /** Resolves once the server is joined, after any number of attempts. */
  async joined(signal: AbortSignal): Promise<void> {
    while (!this.isJoined) {
      await this.#nextAttempt(signal).catch((error: unknown) => {
        if (signal.aborted || this.#stop.signal.aborted) throw error
      })
    }
  }

  /** Resolves once the server is joined. Throws if the current attempt fails; between attempts, throws the last error at once. */
  async attempted(signal: AbortSignal): Promise<void> {
    if (this.isJoined) return
    if (this.#state === 'waiting' && this.#error !== undefined) throw this.#error
    await this.#nextAttempt(signal)
  }

  async #nextAttempt(signal: AbortSignal): Promise<void> {
    if (this.#stop.signal.aborted) throw new ClientClosedError()
    let settle: ((error?: Error) => void) | undefined
    const attempt = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error))
      this.#onAttempt.add(settle)
    })
    try {
      await abortable(attempt, signal)
    } finally {
      if (settle !== undefined) this.#onAttempt.delete(settle)
    }
  }

  /** Ends a pause between attempts. */
  retry(): void {
    this.#wake.abort()
  }

  /** Ends sessions whose server does not answer any more, and {@link retry retries}: for a device whose network may have changed. */
  revive(): void {
    for (const session of [this.#session, ...this.#retiring]) session?.probe().catch(() => {})
    this.retry()
  }

  /** Closes the session. {@link retry} reconnects at once; otherwise that happens after the usual pause. */
  suspend(): void {
    this.#session?.close()
    for (const session of this.#retiring) session.close()
  }

  /** See {@link Session.dial}. */
  async dial(to: StarAddress, signal: AbortSignal | undefined): Promise<Connection> {
    if (this.#session === undefined) throw new NotJoinedError(`${this.url} is not joined at the moment`)
    return await this.#session.dial(to, signal)
  }

  /** Leaves the server and ends all connections through it. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#serve(await this.#open(signal))
      } catch (error) {
        if (!signal.aborted) await this.#pauseAfter(error)
      }
    }
    for (const session of this.#retiring) session.close()
    this.#drop(this.#session)
    this.#setState('left')
    for (const settle of this.#onAttempt) settle(new ClientClosedError())
  }

  /** Opens a session and joins all prefixes. */
  async #open(signal: AbortSignal): Promise<{ session: Session; peers: ServerPeers }> {
    if (this.#session === undefined) this.#setState('connecting')
    const peers = this.#createPeers()
    const session = await Session.connect(
      this.url,
      { ...this.#options, transports: this.#transportOrder.current, authorization: this.authorization },
      {
        announced: (address) => peers.announced(address),
        listed: (addresses) => peers.listed(addresses),
        changed: (delta) => peers.changed(delta),
        upgraded: () => this.#transportOrder.webSocketWorks(),
        ownership: (which) => this.#updateState(which),
        drain: (afterMs) => this.#observer.drain({ url: this.url, afterMs }),
        refusal: () => this.#observer.refusal(),
        incoming: (connection) => this.#observer.incoming(connection)
      },
      signal
    )
    // Legacy servers (`server` undefined) do not announce who leaves, so their peers expire.
    peers.expires = session.server === undefined
    try {
      await this.#joinAll(session, signal)
      return { session, peers }
    } catch (error) {
      session.close()
      peers.clear()
      throw error
    }
  }

  /** Joins under all prefixes, and fails only if all are refused. */
  async #joinAll(session: Session, signal: AbortSignal): Promise<void> {
    let failure: unknown
    for (const prefix of this.#prefixes) {
      try {
        await session.join(rebase(this.#peerId, prefix, 'canonical'), signal)
      } catch (error) {
        signal.throwIfAborted()
        failure ??= error
      }
    }
    if (session.address === undefined) throw failure ?? new ServerUnreachableError(this.url, 'nothing was joined')
  }

  /** Makes a session the current one until it is lost or should be replaced. */
  async #serve({ session, peers }: { session: Session; peers: ServerPeers }): Promise<void> {
    const begin = performance.now()
    const before = { session: this.#session, peers: this.#peers }
    this.#session = session
    this.#peers = peers
    if (before.session !== undefined) this.#retire(before.session)
    // Peers known to both sessions stay online, because the new session announced them before this.
    before.peers?.clear()
    this.#updateState(session)
    for (const settle of this.#onAttempt) settle()
    const end = await Promise.race([session.closed, session.drained, this.#stopped])
    const isStable = performance.now() - begin > STABLE_AFTER
    if (isStable) this.#backoff.reset()
    if (this.#stop.signal.aborted) return
    if (end === undefined) {
      // A draining session stays in use until its successor has joined, or it is lost.
      void session.closed.then(() => this.#drop(session) && this.#setState('connecting'))
      if (!isStable) await this.#sleep(this.#backoff.next())
      return
    }
    this.#drop(session)
    throw new ServerUnreachableError(this.url, `the connection was lost (${end})`)
  }

  /** Closes a session. @returns whether it was the current one */
  #drop(session: Session | undefined): boolean {
    session?.close()
    if (session === undefined || this.#session !== session) return false
    this.#session = undefined
    this.#peers?.clear()
    this.#peers = undefined
    return true
  }

  /** Closes a session once its connections have ended. */
  #retire(session: Session): void {
    this.#retiring.add(session)
    void session.idle().then(() => {
      this.#retiring.delete(session)
      session.close()
    })
    const [oldest] = this.#retiring
    if (this.#retiring.size > RETIRING_MAX) oldest?.close()
  }

  async #pauseAfter(thrown: unknown): Promise<void> {
    const error =
      thrown instanceof Error ? thrown : new ServerUnreachableError(this.url, String(thrown), { cause: thrown })
    if (error instanceof ServerSilentError) this.#transportOrder.unanswered()
    this.#error = error
    this.#failedAt = performance.now()
    const pause = this.#backoff.next()
    this.#retryAt = Date.now() + pause
    this.#setState('waiting')
    for (const settle of this.#onAttempt) settle(error)
    await this.#sleep(pause)
    this.#retryAt = undefined
  }

  async #sleep(milliseconds: number): Promise<void> {
    this.#wake = new AbortController()
    await delay(milliseconds, AbortSignal.any([this.#wake.signal, this.#stop.signal]))
  }

  #updateState(session: Session): void {
    if (session === this.#session) this.#setState(session.isOwner ? 'joined' : 'taken-over')
  }

  #setState(state: ServerState): void {
    this.#state = state
    if (state === 'joined') this.#error = undefined
    this.#publishStatus()
  }

  #publishStatus(): void {
    this.#observer.status(this.status)
  }
}
