import { parseAddress, rebase, type StarAddress } from '@websocket-star/protocol'
import { delay } from './abort.js'
import { Backoff, type BackoffOptions } from './backoff.js'
import type { Connection } from './connection.js'
import { ClientClosedError, NotJoinedError, ServerUnreachableError } from './errors.js'
import type { ServerState, ServerStatus } from './events.js'
import type { PeerView } from './peer-view.js'
import type { ServerAddress } from './server-address.js'
import { Session, type SessionListener, type SessionOptions } from './session.js'

export interface LinkOptions extends SessionOptions {
  backoff: BackoffOptions
}

/** What a link tells of. */
export interface LinkListener {
  status(status: ServerStatus): void
  drain(notice: { url: string; afterMs: number }): void
  /** See {@link SessionListener.refusal}. */
  refusal(): string | undefined
  incoming(connection: Connection): void
}

/** A session that lasted this long, in milliseconds, was a success: the next failure is a first one. */
const STABLE = 10_000

/**
 * One server, for as long as it is wanted: it connects, joins, and when the connection is lost does so again, later and
 * later, for ever. A server that goes down is left for a new connection while the old one's streams finish.
 */
export class ServerLink {
  readonly url: string
  readonly #peerId: string
  readonly #prefixes: string[]
  readonly #options: LinkOptions
  readonly #view: PeerView
  readonly #listener: LinkListener
  readonly #backoff: Backoff
  readonly #stop = new AbortController()
  /** Ends a pause between two attempts. */
  #wake = new AbortController()
  #state: ServerState = 'connecting'
  #error: Error | undefined
  #retryAt: number | undefined
  #session: Session | undefined
  /** The session that serves until another is joined. */
  #leaving: Session | undefined
  /** Sessions that are left for another, and wait for their streams to finish. */
  readonly #retiring = new Set<Session>()
  readonly #onAttempt = new Set<(error?: Error) => void>()
  readonly #done: Promise<void>

  constructor(server: ServerAddress, peerId: string, options: LinkOptions, view: PeerView, listener: LinkListener) {
    this.url = server.url
    this.#peerId = peerId
    this.#prefixes = [server.prefix]
    this.#options = options
    this.#view = view
    this.#listener = listener
    this.#backoff = new Backoff(options.backoff)
    // It begins once its owner has it.
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

  /** Whether it has told of a peer. */
  knows(peerId: string): boolean {
    return this.#view.has(peerId)
  }

  /** A peer's address on this star. */
  addressOf(peerId: string): StarAddress {
    return parseAddress(rebase(peerId, this.#prefixes[0] ?? '', 'canonical'))
  }

  /** Whether an address is one of this star's. */
  covers(address: StarAddress): boolean {
    return address.prefix !== undefined && this.#prefixes.includes(address.prefix)
  }

  /** Joins one more prefix of the same server. */
  async add(prefix: string, signal: AbortSignal): Promise<void> {
    if (this.#prefixes.includes(prefix)) return
    this.#prefixes.push(prefix)
    await this.#session?.join(rebase(this.#peerId, prefix, 'canonical'), signal)
    this.#tell()
  }

  /** Leaves one prefix. @returns whether any are left */
  remove(prefix: string): boolean {
    const index = this.#prefixes.indexOf(prefix)
    if (index >= 0) this.#prefixes.splice(index, 1)
    this.#session?.leave(rebase(this.#peerId, prefix, 'canonical'))
    if (this.#prefixes.length > 0) this.#tell()
    return this.#prefixes.length > 0
  }

  /** Fulfilled once it is joined, however many attempts that takes. @throws {ClientClosedError} once it is given up */
  async joined(): Promise<void> {
    while (!this.isJoined) {
      if (this.#stop.signal.aborted) throw new ClientClosedError()
      await this.#nextAttempt().catch(() => {})
    }
  }

  /** Fulfilled once it is joined. @throws why the attempt that is under way, or was the last one, failed */
  async attempted(): Promise<void> {
    if (this.isJoined) return
    if (this.#state === 'waiting' && this.#error !== undefined) throw this.#error
    await this.#nextAttempt()
  }

  #nextAttempt(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: Error): void => {
        this.#onAttempt.delete(settle)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.#onAttempt.add(settle)
    })
  }

  /** Tries again now, if it waits. */
  retry(): void {
    this.#wake.abort()
  }

  /** Says goodbye now, and comes back by {@link retry} or later by itself. */
  suspend(): void {
    this.#session?.close()
  }

  /** See {@link Session.dial}. */
  async dial(to: StarAddress, signal: AbortSignal | undefined): Promise<Connection> {
    if (this.#session === undefined) throw new NotJoinedError(`${this.url} is not joined at the moment`)
    return await this.#session.dial(to, signal)
  }

  /** Leaves the server: everything that goes over it ends. */
  async close(): Promise<void> {
    this.#stop.abort()
    this.#wake.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#attend(await this.#open(signal))
      } catch (error) {
        if (!signal.aborted) await this.#wait(error instanceof Error ? error : new Error(String(error)))
      }
    }
    for (const session of this.#retiring) session.close()
    this.#view.clear()
    this.#set('left')
    for (const settle of this.#onAttempt) settle(new ClientClosedError())
  }

  /** @returns a session that has joined */
  async #open(signal: AbortSignal): Promise<Session> {
    if (this.#session === undefined) this.#set('connecting')
    const session = await Session.connect(this.url, this.#options, this.#listenerFor(() => session), signal)
    try {
      for (const prefix of this.#prefixes) await session.join(rebase(this.#peerId, prefix, 'canonical'), signal)
      return session
    } catch (error) {
      session.close()
      throw error
    }
  }

  /** Stays with a session until it is lost, or to be left. */
  async #attend(session: Session): Promise<void> {
    const begin = performance.now()
    const before = this.#session
    this.#session = session
    if (before !== undefined) this.#retire(before)
    this.#set('joined')
    for (const settle of this.#onAttempt) settle()
    const { signal } = this.#stop
    const drained = new Promise<'drained'>((resolve) => (this.#onDrained = () => resolve('drained')))
    const stopped = new Promise<'stopped'>((resolve) => {
      signal.addEventListener('abort', () => resolve('stopped'), { once: true })
    })
    const end = await Promise.race([session.closed.then((reason) => ({ reason })), drained, stopped])
    if (performance.now() - begin > STABLE) this.#backoff.reset()
    if (end === 'drained') return this.#leaveBehind(session)
    this.#session = undefined
    session.close()
    if (end === 'stopped') return
    this.#view.clear()
    throw new ServerUnreachableError(this.url, `the connection was lost (${end.reason})`)
  }

  #onDrained: () => void = () => {}

  /** A new session is opened beside one that is to be left; until then this one serves, if it lasts. */
  #leaveBehind(session: Session): void {
    this.#leaving = session
    void session.closed.then(() => {
      if (this.#session !== session) return
      this.#session = undefined
      this.#view.clear()
      this.#tell()
    })
  }

  /** Lets a session finish what goes over it. */
  #retire(session: Session): void {
    this.#retiring.add(session)
    void session.idle().then(() => {
      this.#retiring.delete(session)
      session.close()
    })
  }

  async #wait(error: Error): Promise<void> {
    const milliseconds = this.#backoff.next()
    this.#error = error
    this.#retryAt = Date.now() + milliseconds
    this.#wake = new AbortController()
    this.#set('waiting')
    for (const settle of this.#onAttempt) settle(error)
    await delay(milliseconds, AbortSignal.any([this.#wake.signal, this.#stop.signal]))
    this.#retryAt = undefined
  }

  #listenerFor(session: () => Session | undefined): SessionListener {
    // One that is being left speaks of the past.
    const whenCurrent = (action: () => void): void => {
      if (session() === this.#session && session() !== this.#leaving) action()
    }
    return {
      announced: (address) => this.#view.announced(address),
      listed: (addresses) => this.#view.listed(addresses),
      changed: (delta) => this.#view.changed(delta),
      taken: () => whenCurrent(() => this.#set('taken')),
      held: () => whenCurrent(() => this.#set('joined')),
      drain: (afterMs) =>
        whenCurrent(() => {
          this.#listener.drain({ url: this.url, afterMs })
          void delay(afterMs, this.#stop.signal).then(() => whenCurrent(() => this.#onDrained()))
        }),
      refusal: () => this.#listener.refusal(),
      incoming: (connection) => this.#listener.incoming(connection)
    }
  }

  #set(state: ServerState): void {
    this.#state = state
    if (state === 'joined') this.#error = undefined
    this.#tell()
  }

  #tell(): void {
    this.#listener.status(this.status)
  }
}

/** Reads what is dialled: a peer id, or an address that ends in one. @throws InvalidAddressError */
export function parseTarget(target: string): StarAddress {
  return parseAddress(target.startsWith('/') ? target : `/p2p/${target}`)
}

