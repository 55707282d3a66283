import {
  ConnectionFailedError,
  serviceCapabilities,
  transportSymbol,
  type ComponentLogger,
  type Connection as Libp2pConnection,
  type CounterGroup,
  type CreateListenerOptions,
  type DialTransportOptions,
  type Listener,
  type Logger,
  type Metrics,
  type PeerId,
  type PeerStore,
  type PrivateKey,
  type Startable,
  type Transport
} from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createStarClient, type Connection, type StarClient, type StarClientOptions } from '@websocket-star/client'
import { parseAddress } from '@websocket-star/protocol'
import { asError } from './as-error.js'
import { shareClient } from './clients.js'
import { StarConnection } from './connection.js'
import { StarListener } from './listener.js'
import { PeerStoreFeed } from './peer-store-feed.js'

export interface WebSocketStarInit extends Omit<StarClientOptions, 'servers' | 'privateKey' | 'strict'> {
  /** Let a node fail to start if one of its stars cannot be joined at once. Default false: it is joined when it is up. */
  strict?: boolean
  /** How long starting a node waits for a star to be joined, in milliseconds. Default 5,000. */
  listenTimeout?: number
  /** Put the peers of the stars into the peer store, so that a peer id is enough to dial. Default true. */
  discover?: boolean
}

/** What a node gives its transports. */
export interface WebSocketStarComponents {
  logger: ComponentLogger
  peerId: PeerId
  privateKey: PrivateKey
  peerStore: PeerStore
  addressManager: AddressManager
  metrics?: Metrics
}

/** Makes the transport of a node; see {@link WebSocketStarInit}. */
export function webSocketStar(
  init: WebSocketStarInit = {}
): (components: WebSocketStarComponents) => Transport & Startable {
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
  readonly #events: CounterGroup | undefined
  readonly #listeners = new Set<StarListener>()
  #client: Promise<StarClient> | undefined
  #feed: PeerStoreFeed | undefined

  constructor(components: WebSocketStarComponents, init: WebSocketStarInit) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('libp2p:websocket-star')
    this.#events = components.metrics?.registerCounterGroup('libp2p_websocket_star_dialer_events_total', {
      label: 'event',
      help: 'Total count of WebSocketStar dialer events by type'
    })
  }

  start(): void {}

  /** Leaves all stars; connections through them end. */
  async stop(): Promise<void> {
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
      toConnection: (connection) => this.#toMultiaddrConnection(connection),
      onClose: () => this.#listeners.delete(listener)
    })
    this.#listeners.add(listener)
    return listener
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Libp2pConnection> {
    this.#log('dialing %a', address)
    options.signal.throwIfAborted()
    const connection = await this.#connect(address, options.signal)
    this.#events?.increment({ connect: true })
    const multiaddrConnection = this.#toMultiaddrConnection(connection)
    try {
      const upgraded = await options.upgrader.upgradeOutbound(multiaddrConnection, options)
      this.#log('outbound connection %a upgraded', address)
      return upgraded
    } catch (error) {
      multiaddrConnection.abort(asError(error))
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

  async #connect(address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    const client = await this.#openClient()
    try {
      const star = read(address)
      const isJoined = client.addresses.some((own) => own.startsWith(`${star?.prefix}/`))
      const isKnown = star?.peerId !== undefined && client.peers.has(star.peerId)
      // A star that this node does not listen on is joined in order to dial there: only its peers can.
      if (!isJoined && !isKnown && star?.prefix !== undefined) await client.join({ server: star.prefix, signal })
      return await client.dial(address.toString(), { signal })
    } catch (error) {
      this.#events?.increment(signal.aborted ? { abort: true } : { error: true })
      if (signal.aborted) throw error
      throw new ConnectionFailedError(`Could not dial ${address.toString()}: ${asError(error).message}`)
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
    client.handle((connection) => this.#receive(connection))
    if (discover) this.#feed = new PeerStoreFeed(client, peerStore, logger.forComponent('libp2p:websocket-star:peers'))
    return client
  }

  #receive(connection: Connection): void {
    const prefix = read(multiaddr(connection.localAddress))?.prefix
    const listeners = [...this.#listeners]
    const listener = listeners.find((listener) => listener.prefix === prefix) ?? listeners[0]
    if (listener === undefined) return connection.abort('Not listening')
    listener.receive(connection)
  }

  #toMultiaddrConnection(connection: Connection): StarConnection {
    return new StarConnection({
      connection,
      // With the peer id the star vouches for: the encrypter then refuses anyone else.
      remoteAddr: multiaddr(connection.remoteAddress),
      localAddr: multiaddr(connection.localAddress),
      direction: connection.direction,
      log: this.#components.logger.forComponent('libp2p:websocket-star:connection'),
      metrics: this.#events
    })
  }
}

function read(address: Multiaddr): ReturnType<typeof parseAddress> | undefined {
  try {
    return parseAddress(address.toString())
  } catch {
    return undefined
  }
}
