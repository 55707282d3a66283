import type { Listener, ListenerEvents, Logger, Upgrader } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { InvalidOptionsError, type Connection, type ServerStatus, type StarClient } from '@websocket-star/client'
import { parseAddress, serverUrl } from '@websocket-star/protocol'
import { setMaxListeners, TypedEventEmitter } from 'main-event'
import { asError } from './as-error.js'
import type { StarConnection } from './connection.js'
import { ListenerClosedError, ListenTimeoutError, PeerTakenOverError } from './errors.js'
import type { ListenerMetrics } from './metrics.js'

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
  /** Whether the whole node stops: it closes its connections then, and leaves its stars after that. */
  isStopping: () => boolean
  onClose: () => void
}

/** One star that a node listens on, for as long as it is wanted: its address comes and goes with the connection to it. */
export class StarListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  /** What the star's addresses begin with; undefined before `listen`. */
  prefix: string | undefined
  readonly #init: StarListenerInit
  readonly #stop = new AbortController()
  readonly #open = new Set<StarConnection>()
  #client: StarClient | undefined
  #isJoined = false
  /** It was said that the star is not joined, so it is to be said when it is. */
  #isMissed = false
  /** The star's server, as the client's status names it. */
  #url: string | undefined

  constructor(init: StarListenerInit) {
    super()
    this.#init = init
    // Each connection that is being upgraded listens to it, however many there are at once.
    setMaxListeners(Number.POSITIVE_INFINITY, this.#stop.signal)
  }

  /** The star's host and port, by which metrics tell it from others. */
  get host(): string {
    return this.#url === undefined ? 'unknown' : new URL(this.#url).host
  }

  /** How many have dialled this node here and are connected. */
  get size(): number {
    return this.#open.size
  }

  /**
   * Joins the star. One that is down is joined when it is up, unless the transport is strict.
   *
   * @throws InvalidOptionsError of the client package, if it cannot ever be joined by this node
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
          const status = this.#follow(client.servers)
          if (this.#isJoined) resolve(undefined)
          else if (status?.state === 'waiting') resolve(status.error)
          else if (status?.state === 'taken-over') resolve(new PeerTakenOverError())
        },
        { signal: this.#stop.signal }
      )
      timer = setTimeout(() => resolve(new ListenTimeoutError(this.#url, listenTimeout)), listenTimeout)
      // It settles when the star is joined, which may be much later, or when this node cannot join there.
      client.join({ server: address.toString(), signal: this.#stop.signal }).catch((error: unknown) => {
        if (!this.#stop.signal.aborted) resolve(asError(error))
      })
    })
    this.#follow(client.servers)
    const failure = this.#isJoined ? undefined : await attempt
    clearTimeout(timer)
    if (failure === undefined) return
    metrics?.errors.increment({ [`${this.host} listen_error`]: true })
    const isHopeless = failure instanceof InvalidOptionsError
    // It was not joined then, and another listener may be on the same star.
    if (isHopeless) this.#client = undefined
    if (strict || isHopeless) {
      await this.close()
      throw failure
    }
    log.error('%a is not joined: %s; it is tried again', address, failure.message)
    this.#isMissed = true
  }

  /** The star's address while it is joined, without the node's own peer id. */
  getAddrs(): Multiaddr[] {
    return this.#isJoined && this.prefix !== undefined ? [multiaddr(this.prefix)] : []
  }

  /** Nothing is added to addresses here. */
  updateAnnounceAddrs(): void {}

  /** Leaves the star. */
  async close(): Promise<void> {
    if (this.#stop.signal.aborted) return
    this.#stop.abort()
    this.#setJoined(false)
    if (!this.#init.isStopping()) {
      for (const connection of this.#open) connection.abort(new ListenerClosedError())
      if (this.prefix !== undefined) await this.#client?.leave(this.prefix)
    }
    this.#init.onClose()
    this.safeDispatchEvent('close')
  }

  /** Somebody has dialled this node here. */
  receive(connection: Connection): void {
    const { toConnection, upgrader, log, metrics } = this.#init
    metrics?.events.increment({ [`${this.host} connection`]: true })
    const inbound = toConnection(connection, this.host)
    log('new inbound connection %a', inbound.remoteAddr)
    this.#open.add(inbound)
    inbound.addEventListener('close', () => this.#open.delete(inbound), { once: true })
    upgrader.upgradeInbound(inbound, { signal: this.#stop.signal }).catch((error: unknown) => {
      log.error('inbound connection %s failed to upgrade - %e', connection.id, error)
      metrics?.errors.increment({ [`${this.host} inbound_upgrade`]: true })
      inbound.abort(asError(error))
    })
  }

  /** @returns how things stand with the star's server */
  #follow(servers: readonly ServerStatus[]): ServerStatus | undefined {
    const status = servers.find(({ url }) => url === this.#url)
    const wasJoined = this.#isJoined
    const isThere = status?.addresses.some((address) => address.startsWith(`${this.prefix}/`)) ?? false
    this.#setJoined(isThere && !isTaken(status, servers))
    if (wasJoined && !this.#isJoined) {
      this.#isMissed = true
      const why =
        status?.state === 'taken-over'
          ? new PeerTakenOverError().message
          : (status?.error?.message ?? 'the connection was lost')
      this.#init.log.error('%s is not joined any more: %s', this.prefix, why)
    } else if (this.#isMissed && this.#isJoined) {
      this.#isMissed = false
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
    // A name, unlike an IP address, counts as reachable only if somebody says so.
    if (isJoined) this.#init.addressManager.confirmObservedAddr(address, { type: 'transport' })
    else this.#init.addressManager.removeObservedAddr(address)
    // The node looks at its addresses anew with each of these; its transports are known to it by then.
    if (!this.#stop.signal.aborted) queueMicrotask(() => this.safeDispatchEvent('listening'))
  }
}

/** Whether another node is dialled in this one's place. */
function isTaken(status: ServerStatus | undefined, servers: readonly ServerStatus[]): boolean {
  if (status?.state !== 'taken-over') return false
  // A node that listens twice on one server, under different names, takes its own place: it is dialled all the same.
  return !servers.some(({ url, state }) => url !== status.url && (state === 'joined' || state === 'connecting'))
}
