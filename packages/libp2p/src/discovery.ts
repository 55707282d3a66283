import {
  peerDiscoverySymbol,
  serviceCapabilities,
  type ComponentLogger,
  type PeerDiscovery,
  type PeerDiscoveryEvents,
  type PeerDiscoveryProvider,
  type PeerId,
  type PeerStore,
  type Startable
} from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { StarPeer } from '@websocket-star/client'
import { TypedEventEmitter } from 'main-event'
import { clientsOf } from './clients.js'
import { toPeerId } from './peer-id.js'
import { PeerStoreFeed } from './peer-store-feed.js'

/** What a node gives its discovery modules. */
export interface WebSocketStarDiscoveryComponents {
  logger: ComponentLogger
  peerId: PeerId
  peerStore: PeerStore
}

/**
 * Peer discovery as a module of its own, for nodes that want to see it in their configuration (`peerDiscovery`), or to
 * filter it. It tells of the peers on the stars that the node's transport listens on, so it needs {@link webSocketStar}
 * beside it, there with `discover: false` if nothing is to be put into the peer store without it.
 */
export function webSocketStarDiscovery(): (components: WebSocketStarDiscoveryComponents) => PeerDiscovery & Startable {
  return (components) => new WebSocketStarDiscovery(components)
}

class WebSocketStarDiscovery
  extends TypedEventEmitter<PeerDiscoveryEvents>
  implements PeerDiscovery, PeerDiscoveryProvider, Startable
{
  readonly [Symbol.toStringTag] = '@websocket-star/libp2p-discovery'
  readonly [serviceCapabilities] = ['@libp2p/peer-discovery']
  readonly #components: WebSocketStarDiscoveryComponents
  #stop: AbortController | undefined

  constructor(components: WebSocketStarDiscoveryComponents) {
    super()
    this.#components = components
  }

  get [peerDiscoverySymbol](): PeerDiscovery {
    return this
  }

  start(): void {
    if (this.#stop !== undefined) return
    const stop = (this.#stop = new AbortController())
    const { signal } = stop
    // The transport's client may come before or after.
    const { peerId, peerStore, logger } = this.#components
    void clientsOf(peerId, signal).then((client) => {
      if (client === undefined || signal.aborted) return
      for (const name of ['peer:joined', 'peer:changed'] as const) {
        client.addEventListener(name, ({ detail }) => this.#tell(detail), { signal })
      }
      for (const peer of client.peers) this.#tell(peer)
      // libp2p stores what it is told of, and is never told that somebody has left.
      const feed = new PeerStoreFeed(client, peerStore, logger.forComponent('libp2p:websocket-star:peers'), false)
      signal.addEventListener('abort', () => feed.stop(), { once: true })
    })
  }

  stop(): void {
    this.#stop?.abort()
    this.#stop = undefined
  }

  #tell({ id, addresses }: StarPeer): void {
    const peerId = toPeerId(id)
    if (peerId === undefined) return
    this.safeDispatchEvent('peer', { detail: { id: peerId, multiaddrs: addresses.map((text) => multiaddr(text)) } })
  }
}
