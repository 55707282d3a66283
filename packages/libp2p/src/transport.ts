import {
  ConnectionFailedError,
  serviceCapabilities,
  transportSymbol,
  UnexpectedPeerError,
  type ComponentLogger,
  type Connection as Libp2pConnection,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Libp2pEvents,
  type Listener,
  type Logger,
  type Metrics,
  type OutboundConnectionUpgradeEvents,
  type PeerId,
  type PeerStore,
  type PrivateKey,
  type Startable,
  type Transport
} from '@libp2p/interface'
import type { AddressManager, ConnectionManager } from '@libp2p/interface-internal'
import { CODE_P2P, multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import {
  createStarClient,
  DialRefusedError,
  DialTimeoutError,
  PeerNotFoundError,
  type Connection,
  type StarClient
} from '@websocket-star/client'
import { isSameServer, parseAddress } from '@websocket-star/protocol'
import type { TypedEventTarget } from 'main-event'
import { StarConnection } from './connection.js'
import { DialledStars } from './dialled-stars.js'
import { StarListener } from './listener.js'
import { registerMetrics, type TransportMetrics } from './metrics.js'
import { publishClient } from './node-clients.js'
import { checkInit, type WebSocketStarInit } from './options.js'
import { toPeerId } from './peer-id.js'
import { PeerStoreSync } from './peer-store-sync.js'
import { toError } from './to-error.js'

export interface WebSocketStarComponents {
  logger: ComponentLogger
  peerId: PeerId
  privateKey: PrivateKey
  peerStore: PeerStore
  addressManager: AddressManager
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  events: TypedEventTarget<Libp2pEvents>
  metrics?: Metrics
}

/** Progress events of a dial: those of libp2p and of this transport. */
export type WebSocketStarDialEvents =
  | OutboundConnectionUpgradeEvents
  | ProgressEvent<'websocket-star:join'>
  | ProgressEvent<'websocket-star:open-connection'>

export interface ProgressEvent<Type extends string> {
  type: Type
  detail: unknown
}

/** Creates the transport of a node. @throws {InvalidOptionsError} */
export function webSocketStar(
  init: WebSocketStarInit = {}
): (components: WebSocketStarComponents) => Transport & Startable {
  checkInit(init)
  return (components) => new WebSocketStar(components, init)
}

const NAME = '@websocket-star/libp2p'

class WebSocketStar implements Transport, Startable {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = NAME
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #components: WebSocketStarComponents
  readonly #init: WebSocketStarInit
  readonly #log: Logger
  readonly #metrics: TransportMetrics | undefined
  readonly #listeners = new Set<StarListener>()
  readonly #dialledStars: DialledStars
  #isStopping = false
  #client: Promise<StarClient> | undefined
  #peerStoreSync: PeerStoreSync | undefined

  constructor(components: WebSocketStarComponents, init: WebSocketStarInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('libp2p:websocket-star')
    this.#dialledStars = new DialledStars({
      idleTimeout: init.idleStarTimeout ?? 20_000,
      isListenedOn: (prefix) => [...this.#listeners].some((listener) => listener.prefix === prefix),
      leave: (prefix) => void this.#leave(prefix)
    })
    this.#metrics = components.metrics && registerMetrics(components.metrics, () => this.#inboundByHost())
  }

  start(): void {
    this.#isStopping = false
  }

  beforeStop(): void {
    this.#isStopping = true
  }

  stop(): void {}

  /** Leaves all stars. libp2p has closed the connections by now, and what they sent has left. */
  async afterStop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#dialledStars.clear()
    publishClient(this.#components.peerId, undefined)
    const sync = this.#peerStoreSync
    this.#peerStoreSync = undefined
    await sync?.stop()
    await (await client)?.close()
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    const listener = new StarListener({
      client: () => this.#openClient(),
      addressManager: this.#components.addressManager,
      log: this.#components.logger.forComponent('libp2p:websocket-star:listener'),
      strict: this.#init.strict ?? false,
      listenTimeout: this.#init.listenTimeout ?? 5_000,
      upgrader,
      metrics: this.#metrics?.listener,
      toConnection: (connection, host) => this.#toInbound(connection, host),
      isStopping: () => this.#isStopping,
      onClose: () => {
        this.#listeners.delete(listener)
        this.#updateHandler()
      }
    })
    this.#listeners.add(listener)
    this.#updateHandler()
    return listener
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Libp2pConnection> {
    this.#log('dialing %a', address)
    options.signal.throwIfAborted()
    const connection = await this.#connect(address, options)
    this.#metrics?.dialerEvents.increment({ connect: true })
    const outbound = this.#toOutbound(connection)
    this.#log('new outbound connection %a', address)
    try {
      const upgraded = await options.upgrader.upgradeOutbound(outbound, options)
      assertPeer(upgraded, connection.remotePeerId)
      this.#log('outbound connection %a upgraded', address)
      return upgraded
    } catch (error) {
      outbound.abort(toError(error))
      throw error
    }
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) => {
      const star = tryParse(address)
      return star?.prefix !== undefined && star.strict
    })
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) => {
      const star = tryParse(address)
      return star?.prefix !== undefined && star.strict && star.peerId !== undefined
    })
  }

  async #connect(address: Multiaddr, { signal, onProgress }: DialTransportOptions): Promise<Connection> {
    const client = await this.#openClient()
    const star = tryParse(address)
    const endUse = this.#dialledStars.use(star?.prefix ?? '')
    try {
      const isJoined = star !== undefined && client.addresses.some((own) => isSameServer(own, star))
      const isKnown = star?.peerId !== undefined && client.peers.has(star.peerId)
      // Only peers of a star can dial there, so the client joins it first.
      if (!isJoined && !isKnown && star?.prefix !== undefined) {
        onProgress?.(new CustomEvent('websocket-star:join'))
        await this.#dialledStars.join(client, star.prefix, signal)
      }
      onProgress?.(new CustomEvent('websocket-star:open-connection'))
      return await client.dial(address.toString(), { signal })
    } catch (error) {
      this.#metrics?.dialerEvents.increment(signal.aborted ? { abort: true } : { error: true })
      if (signal.aborted) throw error
      const failure = new ConnectionFailedError(`Could not dial ${address.toString()}: ${reasonOf(error)}`)
      failure.cause = error
      throw failure
    } finally {
      endUse()
    }
  }

  /** Leaves a star that was joined for dials only. */
  async #leave(prefix: string): Promise<void> {
    try {
      const client = await this.#client
      await client?.leave(prefix)
      this.#log('left %s: it was joined for dials only, and has no connections', prefix)
    } catch (error) {
      this.#log.error('could not leave %s - %e', prefix, toError(error))
    }
  }

  /** Returns the one client for all stars of the node, created for the first listener or dial. */
  #openClient(): Promise<StarClient> {
    return (this.#client ??= this.#createClient())
  }

  async #createClient(): Promise<StarClient> {
    const { privateKey, peerId } = this.#components
    const { strict: _, listenTimeout: __, idleStarTimeout: ___, discover = true, ...options } = this.#init
    const client = await createStarClient({ ...options, servers: [], privateKey })
    publishClient(peerId, client)
    this.#setHandler(client)
    if (discover) this.#peerStoreSync = new PeerStoreSync(client, this.#components)
    return client
  }

  #updateHandler(): void {
    this.#client?.then(
      (client) => this.#setHandler(client),
      // Callers of #openClient get the error.
      () => {}
    )
  }

  /** Without a listener, removes the handler: the client then refuses dials at once. */
  #setHandler(client: StarClient): void {
    client.handle(this.#listeners.size === 0 ? undefined : (connection) => this.#receive(connection))
  }

  #receive(connection: Connection): void {
    const prefix = tryParse(multiaddr(connection.localAddress))?.prefix
    const listeners = [...this.#listeners]
    const listener = listeners.find((listener) => listener.prefix === prefix) ?? listeners[0]
    if (listener === undefined) return connection.abort('Not listening')
    listener.receive(connection)
  }

  #toOutbound(connection: Connection): StarConnection {
    return this.#track(
      connection,
      new StarConnection({
        ...this.#connectionInit(connection),
        remoteAddr: multiaddr(connection.remoteAddress),
        metrics: this.#metrics?.dialerEvents
      })
    )
  }

  #toInbound(connection: Connection, host: string): StarConnection {
    const { remoteAddress, remotePeerId } = connection
    // The encrypter compares the peer's key with the id in the address. The id of an RSA key is only a hash of it, which the
    // encrypter cannot compare: such an id is left out, and the peer is identified by its key alone.
    const isChecked = remotePeerId !== undefined && toPeerId(remotePeerId)?.publicKey !== undefined
    return this.#track(
      connection,
      new StarConnection({
        ...this.#connectionInit(connection),
        remoteAddr: isChecked ? multiaddr(remoteAddress) : withoutPeerId(remoteAddress),
        metrics: this.#metrics?.listener.events,
        metricPrefix: `${host} `
      })
    )
  }

  /** Keeps the star of a connection joined until the connection has ended. */
  #track({ localAddress }: Connection, connection: StarConnection): StarConnection {
    const endUse = this.#dialledStars.use(tryParse(multiaddr(localAddress))?.prefix ?? '')
    connection.addEventListener('close', endUse, { once: true })
    return connection
  }

  #connectionInit(connection: Connection) {
    return {
      connection,
      localAddr: multiaddr(connection.localAddress),
      direction: connection.direction,
      log: this.#components.logger.forComponent('libp2p:websocket-star:connection')
    }
  }

  #inboundByHost(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { host, size } of this.#listeners) counts[host] = (counts[host] ?? 0) + size
    return counts
  }
}

/** Returns why a dial failed; client errors would repeat the address. */
function reasonOf(error: unknown): string {
  if (error instanceof PeerNotFoundError) return 'the peer is not connected to the star'
  if (error instanceof DialRefusedError) return `refused by the peer or the star: ${error.reason}`
  if (error instanceof DialTimeoutError) return 'no answer in time'
  return toError(error).message
}

function withoutPeerId(address: string): Multiaddr {
  const components = multiaddr(address).getComponents()
  const index = components.findIndex(({ code }) => code === CODE_P2P)
  return index < 0 ? multiaddr(address) : multiaddr(components.slice(0, index))
}

/** Rejects another peer than the one dialed. The encrypter cannot check ids that are hashes of a key, such as those of RSA. */
function assertPeer({ remotePeer }: Libp2pConnection, dialled: string | undefined): void {
  if (dialled === undefined || remotePeer.toString() === dialled) return
  throw new UnexpectedPeerError(`Expected peer ${dialled}, but ${remotePeer.toString()} answered`)
}

function tryParse(address: Multiaddr): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(address.toString())
  } catch {
    return undefined
  }
}
