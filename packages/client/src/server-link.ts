import { InvalidAddressError, parseAddress, rebase, type StarAddress } from '@websocket-star/protocol'
import { abortable, delay } from './abort.js'
import { Backoff, type BackoffOptions } from './backoff.js'
import type { Connection } from './connection.js'
import { ClientClosedError, NotJoinedError, ServerUnreachableError } from './errors.js'
import type { ServerState, ServerStatus } from './events.js'
import type { PeerView } from './peer-view.js'
import type { ServerAddress } from './server-address.js'
import { Session, type SessionOptions } from './session.js'

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
/** Sessions that may finish their streams at the same time; a server that goes down again and again gets no more. */
const RETIRING_MAX = 4

/**
 * One server, for as long as it is wanted: it connects, joins, and when the connection is lost does so again, later and
 * later, for ever. A server that goes down is left for a new connection while the old one's streams finish.
 */
export class ServerLink {
  readonly url: string
  readonly #peerId: string
  readonly #prefixes: string[]
  readonly #options: LinkOptions
  /** Makes what a session tells of its star's peers known. */
  readonly #createView: () => PeerView
  readonly #listener: LinkListener
  readonly #backoff: Backoff
  readonly #stop = new AbortController()
  readonly #stopped: Promise<void>
  /** Ends a pause between two attempts. */
  #wake = new AbortController()
  #state: ServerState = 'connecting'
  #error: Error | undefined
  #retryAt: number | undefined
  /** The session that serves, and what it has told of. */
  #session: Session | undefined
  #view: PeerView | undefined
  /** Sessions that are left for another, and wait for their streams to finish. */
  readonly #retiring = new Set<Session>()
  readonly #onAttempt = new Set<(error?: Error) => void>()
  readonly #done: Promise<void>

  constructor(
    server: ServerAddress,
    peerId: string,
    options: LinkOptions,
    createView: () => PeerView,
    listener: LinkListener
  ) {
    this.url = server.url
    this.#peerId = peerId
    this.#prefixes = [server.prefix]
    this.#options = options
    this.#createView = createView
    this.#listener = listener
    this.#backoff = new Backoff(options.backoff)
    this.#stopped = new Promise((resolve) => {
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true })
    })
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
    return this.#view?.has(peerId) ?? false
  }

  /** A peer's address on this star. */
  addressOf(peerId: string): StarAddress {
    return parseAddress(rebase(peerId, this.#prefixes[0] ?? '', 'canonical'))
  }

  /** Whether an address is one of this star's. */
  covers(address: StarAddress): boolean {
    return address.prefix !== undefined && this.#prefixes.includes(address.prefix)
  }

  /** Joins one more prefix of the same server; if that is refused, the others stay. */
  async add(prefix: string, signal: AbortSignal): Promise<void> {
    if (this.#prefixes.includes(prefix)) return
    this.#prefixes.push(prefix)
    try {
      await this.#session?.join(rebase(this.#peerId, prefix, 'canonical'), signal)
      this.#tell()
    } catch (error) {
      this.#prefixes.splice(this.#prefixes.indexOf(prefix), 1)
      throw error
    }
  }

  /** Leaves one prefix. @returns whether any are left */
  remove(prefix: string): boolean {
    const index = this.#prefixes.indexOf(prefix)
    if (index >= 0) this.#prefixes.splice(index, 1)
    this.#session?.leave(rebase(this.#peerId, prefix, 'canonical'))
    if (this.#prefixes.length > 0) this.#tell()
    return this.#prefixes.length > 0
  }

  /**
   * Fulfilled once it is joined, however many attempts that takes.
   *
   * @throws {ClientClosedError} once it is given up, or the signal's reason
   */
  async joined(signal: AbortSignal): Promise<void> {
    while (!this.isJoined) {
      await this.#nextAttempt(signal).catch((error: unknown) => {
        if (signal.aborted || this.#stop.signal.aborted) throw error
      })
    }
  }

  /** Fulfilled once it is joined. @throws why the attempt that is under way, or was the last one, failed */
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

  /** Tries again now, if it waits. */
  retry(): void {
    this.#wake.abort()
  }

  /** Says goodbye now, and comes back by {@link retry} or later by itself. */
  suspend(): void {
    this.#session?.close()
    for (const session of this.#retiring) session.close()
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
    this.#drop(this.#session)
    this.#set('left')
    for (const settle of this.#onAttempt) settle(new ClientClosedError())
  }

  /** @returns a session that has joined, and what it has told of */
  async #open(signal: AbortSignal): Promise<{ session: Session; view: PeerView }> {
    if (this.#session === undefined) this.#set('connecting')
    const view = this.#createView()
    const session = await Session.connect(
      this.url,
      this.#options,
      {
        announced: (address) => view.announced(address),
        listed: (addresses) => view.listed(addresses),
        changed: (delta) => view.changed(delta),
        taken: (which) => this.#look(which),
        drain: (afterMs) => this.#listener.drain({ url: this.url, afterMs }),
        refusal: () => this.#listener.refusal(),
        incoming: (connection) => this.#listener.incoming(connection)
      },
      signal
    )
    // A server that knows the extensions tells who leaves.
    view.expires = session.server === undefined
    try {
      await this.#joinAll(session, signal)
      return { session, view }
    } catch (error) {
      session.close()
      view.clear()
      throw error
    }
  }

  /** Joins under all prefixes. One that is refused does not keep the others from being joined. */
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

  /** Stays with a session until it is lost, or to be left. */
  async #attend({ session, view }: { session: Session; view: PeerView }): Promise<void> {
    const begin = performance.now()
    const before = { session: this.#session, view: this.#view }
    this.#session = session
    this.#view = view
    if (before.session !== undefined) this.#retire(before.session)
    // What both have told of stays, since it was never without one who tells of it.
    before.view?.clear()
    this.#look(session)
    for (const settle of this.#onAttempt) settle()
    const end = await Promise.race([session.closed, session.drained, this.#stopped])
    const isStable = performance.now() - begin > STABLE
    if (isStable) this.#backoff.reset()
    if (this.#stop.signal.aborted) return
    if (end === undefined) {
      // It is to be left: until another is joined this one serves, if it lasts.
      void session.closed.then(() => this.#drop(session) && this.#set('connecting'))
      if (!isStable) await this.#pause()
      return
    }
    this.#drop(session)
    throw new ServerUnreachableError(this.url, `the connection was lost (${end})`)
  }

  /** The session is over. @returns whether it was the one that serves */
  #drop(session: Session | undefined): boolean {
    session?.close()
    if (session === undefined || this.#session !== session) return false
    this.#session = undefined
    this.#view?.clear()
    this.#view = undefined
    return true
  }

  /** Lets a session finish what goes over it. */
  #retire(session: Session): void {
    this.#retiring.add(session)
    void session.idle().then(() => {
      this.#retiring.delete(session)
      session.close()
    })
    const [oldest] = this.#retiring
    if (this.#retiring.size > RETIRING_MAX) oldest?.close()
  }

  async #wait(error: Error): Promise<void> {
    this.#error = error
    const pause = this.#backoff.next()
    this.#retryAt = Date.now() + pause
    this.#set('waiting')
    for (const settle of this.#onAttempt) settle(error)
    await this.#sleep(pause)
    this.#retryAt = undefined
  }

  /** Waits without a word: there is a session that serves. */
  async #pause(): Promise<void> {
    await this.#sleep(this.#backoff.next())
  }

  async #sleep(milliseconds: number): Promise<void> {
    this.#wake = new AbortController()
    await delay(milliseconds, AbortSignal.any([this.#wake.signal, this.#stop.signal]))
  }

  /** How things stand with the session that serves. */
  #look(session: Session): void {
    if (session === this.#session) this.#set(session.isTaken ? 'taken' : 'joined')
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
  if (typeof target !== 'string') throw new InvalidAddressError('Expected a peer id, or an address that ends in one')
  try {
    return parseAddress(target.startsWith('/') ? target : `/p2p/${target}`)
  } catch (cause) {
    throw new InvalidAddressError(
      `${JSON.stringify(target.slice(0, 128))} is no peer id, and no address that ends in one`,
      { cause }
    )
  }
}
