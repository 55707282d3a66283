import type { Listener, ListenerEvents, Logger, Upgrader } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { InvalidOptionsError, type Connection, type ServerStatus, type StarClient } from '@websocket-star/client'
import { parseAddress, serverUrl } from '@websocket-star/protocol'
import { setMaxListeners, TypedEventEmitter } from 'main-event'
import type { StarConnection } from './connection.js'
import { ListenerClosedError, ListenTimeoutError, PeerTakenOverError } from './errors.js'
import type { ListenerMetrics } from './metrics.js'
import { toError } from './to-error.js'

export interface StarListenerInit {
  client: () => Promise<StarClient>
  addressManager: AddressManager
  log: Logger
  strict: boolean
  /** Milliseconds. */
  listenTimeout: number
  upgrader: Upgrader
  metrics: ListenerMetrics | undefined
  toConnection: (connection: Connection, host: string) => StarConnection
  /** Returns whether the whole node is stopping: it then closes its connections and leaves its stars itself. */
  isStopping: () => boolean
  onClose: () => void
}

/** Listens on one star. The listener has an address only while the star is joined. */
export class StarListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  /** Start of the star's addresses; undefined before `listen`. */
  prefix: string | undefined
  readonly #init: StarListenerInit
  readonly #stop = new AbortController()
  readonly #connections = new Set<StarConnection>()
  #client: StarClient | undefined
  #isJoined = false
  /** Whether the last log line said that the star is not joined. Then the next join is logged, too. */
  #isReportedMissing = false
  #url: string | undefined

  constructor(init: StarListenerInit) {
    super()
    this.#init = init
    // Every connection being upgraded adds a listener.
    setMaxListeners(Number.POSITIVE_INFINITY, this.#stop.signal)
  }

  /** Host and port of the star, for metrics. */
  get host(): string {
    return this.#url === undefined ? 'unknown' : new URL(this.#url).host
  }

  /** Number of open inbound connections. */
  get size(): number {
    return this.#connections.size
  }

  /**
   * Joins the star. If it is down, it is joined once it is up, unless the transport is strict.
   *
   * @throws {InvalidOptionsError} if this node can never join it
   */
  async listen(address: Multiaddr): Promise<void> {
    const { strict, listenTimeout, log, metrics } = this.#init
    const { prefix } = parseAddress(address.toString())
    this.prefix = prefix
    this.#url = serverUrl(address.toString())
    metrics?.status.update({ [this.host]: 0 })
    const client = await this.#init.client()
    this.#client = client
    let timer: ReturnType<typeof setTimeout> | undefined
    const attempt = new Promise<Error | undefined>((resolve) => {
      client.addEventListener(
        'server:status',
        () => {
          const status = this.#applyStatus(client.servers)
          if (this.#isJoined) resolve(undefined)
          else if (status?.state === 'waiting') resolve(status.error)
          else if (status?.state === 'taken-over') resolve(new PeerTakenOverError())
        },
        { signal: this.#stop.signal }
      )
      timer = setTimeout(() => resolve(new ListenTimeoutError(this.#url, listenTimeout)), listenTimeout)
      // Settles once the star is joined, which may be much later, or if this node can never join it.
      client.join({ server: address.toString(), signal: this.#stop.signal }).catch((error: unknown) => {
        if (!this.#stop.signal.aborted) resolve(toError(error))
      })
    })
    this.#applyStatus(client.servers)
    const failure = this.#isJoined ? undefined : await attempt
    clearTimeout(timer)
    if (failure === undefined) return
    metrics?.errors.increment({ [`${this.host} listen_error`]: true })
    const isPermanent = failure instanceof InvalidOptionsError
    // This listener joined nothing. Without a client, `close` does not leave the star, which another listener may have joined.
    if (isPermanent) this.#client = undefined
    if (strict || isPermanent) {
      await this.close()
      throw failure
    }
    log.error('%a is not joined, trying again: %s', address, failure.message)
    this.#isReportedMissing = true
  }

  /** Returns the star's address while it is joined, without the node's own peer id. */
  getAddrs(): Multiaddr[] {
    return this.#isJoined && this.prefix !== undefined ? [multiaddr(this.prefix)] : []
  }

  updateAnnounceAddrs(): void {}

  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#setJoined(false)
    if (!this.#init.isStopping()) {
      for (const connection of this.#connections) connection.abort(new ListenerClosedError())
      if (this.prefix !== undefined) await this.#client?.leave(this.prefix)
    }
    this.#init.onClose()
    this.safeDispatchEvent('close')
  }

  /** Upgrades a connection that another peer dialed. */
  receive(connection: Connection): void {
    const { toConnection, upgrader, log, metrics } = this.#init
    metrics?.events.increment({ [`${this.host} connection`]: true })
    const inbound = toConnection(connection, this.host)
    log('new inbound connection %a', inbound.remoteAddr)
    this.#connections.add(inbound)
    inbound.addEventListener('close', () => this.#connections.delete(inbound), { once: true })
    upgrader.upgradeInbound(inbound, { signal: this.#stop.signal }).catch((error: unknown) => {
      log.error('inbound connection %s failed to upgrade - %e', connection.id, error)
      metrics?.errors.increment({ [`${this.host} inbound_upgrade`]: true })
      inbound.abort(toError(error))
    })
  }

  #applyStatus(servers: readonly ServerStatus[]): ServerStatus | undefined {
    const status = servers.find(({ url }) => url === this.#url)
    const wasJoined = this.#isJoined
    const hasAddress = status?.addresses.some((address) => address.startsWith(`${this.prefix}/`)) ?? false
    this.#setJoined(hasAddress && !isTakenOver(status, servers))
    if (wasJoined && !this.#isJoined) {
      this.#isReportedMissing = true
      const why =
        status?.state === 'taken-over'
          ? new PeerTakenOverError().message
          : (status?.error?.message ?? 'the connection was lost')
      this.#init.log.error('%s is not joined any more: %s', this.prefix, why)
    } else if (this.#isReportedMissing && this.#isJoined) {
      this.#isReportedMissing = false
      this.#init.log('%s is joined', this.prefix)
    }
    return status
  }

  #setJoined(isJoined: boolean): void {
    if (this.#isJoined === isJoined) return
    this.#isJoined = isJoined
    this.#init.metrics?.status.update({ [this.host]: isJoined ? 1 : 0 })
    const [address] = this.prefix === undefined ? [] : [multiaddr(this.prefix)]
    if (address === undefined) return
    // libp2p announces a DNS name only after it has been confirmed, unlike an IP address.
    if (isJoined) this.#init.addressManager.confirmObservedAddr(address, { type: 'transport' })
    else this.#init.addressManager.removeObservedAddr(address)
    // On this event the node reads its addresses again. Deferred, since the node does not know the listener yet.
    if (!this.#stop.signal.aborted) queueMicrotask(() => this.safeDispatchEvent('listening'))
  }
}

/** Returns whether another node with the same key has taken over. */
function isTakenOver(status: ServerStatus | undefined, servers: readonly ServerStatus[]): boolean {
  if (status?.state !== 'taken-over') return false
  // A node that joins one server under two names takes over from itself, and can still be dialed.
  return !servers.some(({ url, state }) => url !== status.url && (state === 'joined' || state === 'connecting'))
}
