import {
  ConnectionFailedError,
  serviceCapabilities,
  transportSymbol,
  UnexpectedPeerError,
  type ComponentLogger,
  type Connection as Libp2pConnection,
  type CreateListenerOptions,
  type DialTransportOptions,
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
import type { AddressManager } from '@libp2p/interface-internal'
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
import { asError } from './as-error.js'
import { shareClient } from './clients.js'
import { StarConnection } from './connection.js'
import { DialledStars } from './dialled-stars.js'
import { StarListener } from './listener.js'
import { registerMetrics, type TransportMetrics } from './metrics.js'
import { checkInit, type WebSocketStarInit } from './options.js'
import { toPeerId } from './peer-id.js'
import { PeerStoreFeed } from './peer-store-feed.js'

/** What a node gives its transports. */
export interface WebSocketStarComponents {
  logger: ComponentLogger
  peerId: PeerId
  privateKey: PrivateKey
  peerStore: PeerStore
  addressManager: AddressManager
  metrics?: Metrics
}

/** What a dial tells of its progress, besides what libp2p tells of it. */
export type WebSocketStarDialEvents =
  | OutboundConnectionUpgradeEvents
  | ProgressEvent<'websocket-star:join'>
  | ProgressEvent<'websocket-star:open-connection'>

/** As of the package `progress-events`. */
export interface ProgressEvent<Type extends string> {
  type: Type
  detail: unknown
}

/**
 * Makes the transport of a node; see {@link WebSocketStarInit}.
 *
 * @throws InvalidOptionsError of the client package
 */
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
  readonly #dialledStars = new DialledStars((prefix) => {
    return [...this.#listeners].some((listener) => listener.prefix === prefix)
  })
  #isStopping = false
  #client: Promise<StarClient> | undefined
  #feed: PeerStoreFeed | undefined

  constructor(components: WebSocketStarComponents, init: WebSocketStarInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('libp2p:websocket-star')
    this.#metrics = components.metrics && registerMetrics(components.metrics, () => this.#inbound())
  }

  start(): void {
    this.#isStopping = false
  }

  beforeStop(): void {
    this.#isStopping = true
  }

  stop(): void {}

  /** Leaves all stars, once libp2p has closed the connections through them: what they were sending has left. */
  async afterStop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    shareClient(this.#components.peerId, undefined)
    this.#feed?.stop()
    this.#feed = undefined
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
        this.#lookWhoListens()
      }
    })
    this.#listeners.add(listener)
    this.#lookWhoListens()
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
      outbound.abort(asError(error))
      throw error
    }
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) => {
      const star = read(address)
      return star?.prefix !== undefined && star.strict
    })
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) => {
      const star = read(address)
      return star?.prefix !== undefined && star.strict && star.peerId !== undefined
    })
  }

  async #connect(address: Multiaddr, { signal, onProgress }: DialTransportOptions): Promise<Connection> {
    const client = await this.#openClient()
    try {
      const star = read(address)
      const isJoined = star !== undefined && client.addresses.some((own) => isSameServer(own, star))
      const isKnown = star?.peerId !== undefined && client.peers.has(star.peerId)
      // A star that this node does not listen on is joined in order to dial there: only its peers can.
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
    }
  }

  /** One client for all stars of the node, from the first listener or dial on. */
  #openClient(): Promise<StarClient> {
    return (this.#client ??= this.#createClient())
  }

  async #createClient(): Promise<StarClient> {
    const { privateKey, peerId, peerStore, logger } = this.#components
    const { strict: _, listenTimeout: __, discover = true, ...options } = this.#init
    const client = await createStarClient({ ...options, servers: [], privateKey })
    shareClient(peerId, client)
    this.#accept(client)
    if (discover) this.#feed = new PeerStoreFeed(client, peerStore, logger.forComponent('libp2p:websocket-star:peers'))
    return client
  }

  #lookWhoListens(): void {
    this.#client?.then(
      (client) => this.#accept(client),
      // Whoever wants the client hears why there is none.
      () => {}
    )
  }

  /** A node that listens nowhere lets the client refuse those who dial it: they hear of that at once. */
  #accept(client: StarClient): void {
    client.handle(this.#listeners.size === 0 ? undefined : (connection) => this.#receive(connection))
  }

  #receive(connection: Connection): void {
    const prefix = read(multiaddr(connection.localAddress))?.prefix
    const listeners = [...this.#listeners]
    const listener = listeners.find((listener) => listener.prefix === prefix) ?? listeners[0]
    if (listener === undefined) return connection.abort('Not listening')
    listener.receive(connection)
  }

  #toOutbound(connection: Connection): StarConnection {
    return new StarConnection({
      ...this.#common(connection),
      remoteAddr: multiaddr(connection.remoteAddress),
      metrics: this.#metrics?.dialerEvents
    })
  }

  #toInbound(connection: Connection, host: string): StarConnection {
    const { remoteAddress, remotePeerId } = connection
    // With the peer id the star vouches for the encrypter refuses anyone else. It cannot do so by the id of an RSA key,
    // which is but a hash: such a name is left out, and the peer is who it proves to be.
    const isChecked = remotePeerId !== undefined && toPeerId(remotePeerId)?.publicKey !== undefined
    return new StarConnection({
      ...this.#common(connection),
      remoteAddr: isChecked ? multiaddr(remoteAddress) : withoutPeerId(remoteAddress),
      metrics: this.#metrics?.listener.events,
      metricPrefix: `${host} `
    })
  }

  #common(connection: Connection) {
    return {
      connection,
      localAddr: multiaddr(connection.localAddress),
      direction: connection.direction,
      log: this.#components.logger.forComponent('libp2p:websocket-star:connection')
    }
  }

  /** How many have dialled this node and are connected, by the star's host. */
  #inbound(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { host, size } of this.#listeners) counts[host] = (counts[host] ?? 0) + size
    return counts
  }
}

/** Why a dial failed, without the address once more. */
function reasonOf(error: unknown): string {
  if (error instanceof PeerNotFoundError) return 'nobody with this peer id is on the star'
  if (error instanceof DialRefusedError) return `refused by the peer or the star: ${error.reason}`
  if (error instanceof DialTimeoutError) return 'there was no answer in time'
  return asError(error).message
}

/** What stands before the first peer id. */
function withoutPeerId(address: string): Multiaddr {
  const components = multiaddr(address).getComponents()
  const index = components.findIndex(({ code }) => code === CODE_P2P)
  return index < 0 ? multiaddr(address) : multiaddr(components.slice(0, index))
}

/** The encrypter cannot tell by an id that is the hash of a key, such as one of RSA, whose key it has before it. */
function assertPeer({ remotePeer }: Libp2pConnection, dialled: string | undefined): void {
  if (dialled === undefined || remotePeer.toString() === dialled) return
  throw new UnexpectedPeerError(`${dialled} was dialled, and ${remotePeer.toString()} answered`)
}

function read(address: Multiaddr): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(address.toString())
  } catch {
    return undefined
  }
}
