import { InvalidOptionsError } from '@websocket-star/protocol'
import { StreamError } from '@websocket-star/streams'
import { TypedEventEmitter } from 'main-event'
import { abortable } from './abort.js'
import type { Connection } from './connection.js'
import { ClientClosedError, NotJoinedError, PeerNotFoundError } from './errors.js'
import type { ServerStatus, StarEvents } from './events.js'
import { encodedKey, generateKey, type StarPrivateKey } from './key.js'
import { resolveOptions, type ResolvedOptions, type StarClientOptions } from './options.js'
import { PeerView } from './peer-view.js'
import { Peers } from './peers.js'
import { watchLifecycle } from './page-lifecycle.js'
import { parseServer } from './server-address.js'
import { parseTarget, ServerLink, type LinkListener } from './server-link.js'

/** Takes what other peers dial. What it throws, or rejects with, ends the connection. */
export type ConnectionHandler = (connection: Connection) => void | Promise<void>

/** Told to a caller when nobody handles connections. */
const NOT_ACCEPTING = 'Not accepting connections'

/** Told to a caller whose connection's handler threw. */
const HANDLER_FAILED = 'The connection could not be handled'

/** Bytes beyond a window that an old sender, held back by the server in its place, may have under way. */
const TOLERANCE = 4_194_304

/**
 * A peer of one or more stars.
 *
 * @param options - see {@link StarClientOptions}
 * @throws {InvalidOptionsError}
 */
export async function createStarClient(options: StarClientOptions): Promise<StarClient> {
  const resolved = resolveOptions(options)
  return new StarClient(resolved, options.privateKey ?? (await generateKey()))
}

/** Joins servers, knows who is there, dials and is dialled. One server that is down stops nothing. */
export class StarClient extends TypedEventEmitter<StarEvents> implements AsyncDisposable {
  /** Who this client is, as base58btc multihash. */
  readonly peerId: string
  readonly privateKey: StarPrivateKey
  /** Who else is there, over all servers. */
  readonly peers: Peers
  readonly #options: ResolvedOptions
  readonly #links = new Map<string, ServerLink>()
  readonly #stop = new AbortController()
  #handler: ConnectionHandler | undefined

  /** Made by {@link createStarClient}. */
  constructor(options: ResolvedOptions, privateKey: StarPrivateKey) {
    super()
    if (typeof privateKey?.sign !== 'function' || privateKey.publicKey === undefined) {
      throw new InvalidOptionsError('privateKey: expected a key, such as keyFromSeed(seed) makes of 32 bytes')
    }
    // A key that no star knows is told of here, not by each server.
    encodedKey(privateKey.publicKey)
    this.privateKey = privateKey
    this.peerId = privateKey.publicKey.toString()
    this.#options = options
    this.peers = new Peers(this)
    for (const server of options.servers) parseServer(server, this.peerId)
    watchLifecycle({ back: () => this.retry(), away: () => this.#suspend() }, this.#stop.signal)
  }

  /** This client's addresses, on all servers that are joined. */
  get addresses(): string[] {
    return this.servers.flatMap(({ addresses }) => addresses)
  }

  /** How things stand with each server. */
  get servers(): ServerStatus[] {
    return [...this.#links.values()].map(({ status }) => status)
  }

  /**
   * Joins servers: those of the options, or one more. A server that is down does not stop the client: it tries again for
   * ever, and says so in `server:status` events. Bound the wait by a signal, such as `AbortSignal.timeout(10_000)`.
   *
   * @returns once one of them is joined; with `strict`, once all are
   * @throws with `strict`, why one cannot be joined, after which none of those asked for is tried any more; the signal's
   * reason, after which the client goes on trying; {@link ClientClosedError}; {@link InvalidOptionsError}
   */
  async join({ server, signal }: { server?: string; signal?: AbortSignal } = {}): Promise<void> {
    this.#throwIfClosed()
    const texts = server === undefined ? this.#options.servers : [server]
    const links = await Promise.all(texts.map((text) => this.#link(text)))
    if (links.length === 0) return
    const closed = this.#stop.signal
    const either = signal === undefined ? closed : AbortSignal.any([signal, closed])
    if (!this.#options.strict) {
      return await Promise.any(links.map((link) => link.joined(either))).catch(() => {
        either.throwIfAborted()
        throw new NotJoinedError('All servers were left while they were joined')
      })
    }
    try {
      await Promise.all(links.map((link) => link.attempted(either)))
    } catch (error) {
      if (signal?.aborted !== true) for (const text of texts) await this.leave(text)
      throw error
    }
  }

  /** Leaves a server, and ends everything that goes over it. A signal ends the wait, not the leaving. */
  async leave(server: string, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { url, prefix } = parseServer(server, this.peerId)
    const link = this.#links.get(url)
    if (link === undefined || link.remove(prefix)) return
    this.#links.delete(url)
    await abortable(link.close(), signal)
  }

  /**
   * Opens a connection to a peer: on the server that told of it, else on each that is joined.
   *
   * @param target - a peer id, or an address that ends in one. The client connects to its own servers only: of an address
   * on another one, the peer id is looked for there
   * @throws {PeerNotFoundError}, {DialRefusedError}, {DialTimeoutError}, {NotJoinedError}, {ClientClosedError},
   * `InvalidAddressError` of the protocol package, or the signal's reason
   */
  async dial(target: string, { signal }: { signal?: AbortSignal } = {}): Promise<Connection> {
    this.#throwIfClosed()
    signal?.throwIfAborted()
    const address = parseTarget(target)
    const joined = [...this.#links.values()].filter(({ isJoined }) => isJoined)
    if (joined.length === 0) throw new NotJoinedError()
    const { peerId } = address
    const rank = (link: ServerLink): number =>
      link.covers(address) ? 0 : peerId !== undefined && link.knows(peerId) ? 1 : 2
    let failure: unknown = new PeerNotFoundError(target)
    for (const link of joined.toSorted((a, b) => rank(a) - rank(b))) {
      const covered = link.covers(address)
      if (!covered && peerId === undefined) continue
      try {
        return await link.dial(covered || peerId === undefined ? address : link.addressOf(peerId), signal)
      } catch (error) {
        signal?.throwIfAborted()
        this.#throwIfClosed()
        // What a server that knows the peer says counts for more than that others do not know it.
        if (!(error instanceof PeerNotFoundError) && failure instanceof PeerNotFoundError) failure = error
      }
    }
    throw failure
  }

  /**
   * Takes connections that others open. While nobody does, they are refused.
   *
   * @param handler - takes the place of the one before; undefined takes no more
   */
  handle(handler: ConnectionHandler | undefined): void {
    this.#handler = handler
  }

  /** Tries all servers that are waited for again at once, for example when the device is online again. */
  retry(): void {
    for (const link of this.#links.values()) link.retry()
  }

  /** Says goodbye to all servers, so that nobody waits for one who has gone; `retry` joins them again. */
  #suspend(): void {
    for (const link of this.#links.values()) link.suspend()
  }

  /** Leaves all servers and ends everything. A closed client cannot be used again. A signal ends the wait, not the closing. */
  async close({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    this.#stop.abort(new ClientClosedError())
    this.#handler = undefined
    const closed = Promise.all([...this.#links.values()].map((link) => link.close())).then(() => {
      this.#links.clear()
      this.peers.close()
    })
    await abortable(closed, signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #throwIfClosed(): void {
    if (this.#stop.signal.aborted) throw new ClientClosedError()
  }

  async #link(text: string): Promise<ServerLink> {
    const server = parseServer(text, this.peerId)
    const known = this.#links.get(server.url)
    if (known !== undefined) {
      await known.add(server.prefix, this.#stop.signal)
      return known
    }
    const { maxPeers, peerExpiry, servers: _, ...options } = this.#options
    const privateKey = this.privateKey
    const link = new ServerLink(
      server,
      this.peerId,
      { ...options, privateKey, tolerance: TOLERANCE },
      () => new PeerView(this.peers, { self: this.peerId, maxPeers, expiry: peerExpiry }),
      this.#listener
    )
    this.#links.set(server.url, link)
    return link
  }

  readonly #listener: LinkListener = {
    status: (status) => void this.safeDispatchEvent('server:status', { detail: status }),
    drain: (notice) => void this.safeDispatchEvent('server:drain', { detail: notice }),
    refusal: () => (this.#handler === undefined ? NOT_ACCEPTING : undefined),
    incoming: (connection) => void this.#handle(connection)
  }

  async #handle(connection: Connection): Promise<void> {
    try {
      await this.#handler?.(connection)
    } catch (error) {
      // What went wrong here may say more than a stranger is to know.
      connection.abort(HANDLER_FAILED)
      // That the connection has ended early is no fault of the handler's.
      if (!(error instanceof StreamError)) {
        this.safeDispatchEvent('handler:error', { detail: { connection, error } })
      }
    }
  }
}
