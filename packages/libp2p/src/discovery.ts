import {
  peerDiscoverySymbol,
  serviceCapabilities,
  type ComponentLogger,
  type Libp2pEvents,
  type PeerDiscovery,
  type PeerDiscoveryEvents,
  type PeerDiscoveryProvider,
  type PeerId,
  type PeerStore,
  type Startable
} from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import type { StarPeer } from '@websocket-star/client'
import { TypedEventEmitter, type TypedEventTarget } from 'main-event'
import { waitForClient } from './node-clients.js'
import { toPeerId } from './peer-id.js'
import { PeerStoreSync } from './peer-store-sync.js'

export interface WebSocketStarDiscoveryComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  peerId: PeerId
  peerStore: PeerStore
}

/**
 * Creates a module for `peerDiscovery`, for nodes that filter discovery. It announces the peers on the stars of the node's
 * {@link webSocketStar} transport; set `discover: false` there, so that the transport adds no peers to the peer store.
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
  #peerStoreSync: PeerStoreSync | undefined

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
    void waitForClient(this.#components.peerId, signal).then((client) => {
      if (client === undefined || signal.aborted) return
      for (const name of ['peer:joined', 'peer:changed'] as const) {
        client.addEventListener(name, ({ detail }) => this.#announce(detail), { signal })
      }
      for (const peer of client.peers) this.#announce(peer)
      // libp2p stores announced peers, but discovery can announce neither that a peer left nor that it is still there.
      this.#peerStoreSync = new PeerStoreSync(client, this.#components, false)
    })
  }

  async stop(): Promise<void> {
    this.#stop?.abort()
    this.#stop = undefined
    const sync = this.#peerStoreSync
    this.#peerStoreSync = undefined
    await sync?.stop()
  }

  #announce({ id, addresses }: StarPeer): void {
    const peerId = toPeerId(id)
    if (peerId === undefined) return
    this.safeDispatchEvent('peer', { detail: { id: peerId, multiaddrs: addresses.map((text) => multiaddr(text)) } })
  }
}
