import type { Logger, PeerStore } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { StarClient, StarPeer } from '@websocket-star/client'
import { parseAddress } from '@websocket-star/protocol'
import { toPeerId } from './peer-id.js'

/**
 * Keeps a node's peer store up to date with who is on its stars: libp2p looks for discovery in its own services only, and
 * without an address in the peer store a peer id cannot be dialled. Addresses that did not come from here are left alone.
 */
export class PeerStoreFeed {
  readonly #peerStore: PeerStore
  readonly #log: Logger
  readonly #adds: boolean
  readonly #stop = new AbortController()
  /** What was put into the store of each peer. */
  readonly #known = new Map<string, readonly string[]>()
  /** One change after another for each peer, so that the last one stays. */
  readonly #queue = new Map<string, Promise<void>>()

  /** @param adds - false if something else puts them into the store: then they are only taken out of it */
  constructor(client: StarClient, peerStore: PeerStore, log: Logger, adds = true) {
    this.#peerStore = peerStore
    this.#log = log
    this.#adds = adds
    const { signal } = this.#stop
    for (const name of ['peer:joined', 'peer:changed', 'peer:left'] as const) {
      client.addEventListener(name, ({ detail }) => this.#enqueue(detail), { signal })
    }
    for (const peer of client.peers) this.#enqueue(peer)
  }

  stop(): void {
    this.#stop.abort()
  }

  #enqueue(peer: StarPeer): void {
    const update = (this.#queue.get(peer.id) ?? Promise.resolve())
      .then(() => this.#update(peer))
      .catch((error: unknown) => this.#log.error('could not store %s - %e', peer.id, error))
      .finally(() => {
        if (this.#queue.get(peer.id) === update) this.#queue.delete(peer.id)
      })
    this.#queue.set(peer.id, update)
  }

  async #update({ id, addresses }: StarPeer): Promise<void> {
    const peerId = toPeerId(id)
    if (peerId === undefined) return
    // The store keeps addresses without the peer id at their end.
    const now = addresses.flatMap((address) => parseAddress(address).prefix ?? [])
    const gone = (this.#known.get(id) ?? []).filter((address) => !now.includes(address))
    if (now.length > 0) this.#known.set(id, now)
    else this.#known.delete(id)
    if (gone.length > 0 && (await this.#peerStore.has(peerId))) {
      const { addresses: stored } = await this.#peerStore.get(peerId)
      const multiaddrs = stored
        .map(({ multiaddr }) => multiaddr)
        .filter((address) => !gone.includes(address.toString()))
      await this.#peerStore.patch(peerId, { multiaddrs })
    }
    if (!this.#adds || now.length === 0) return
    await this.#peerStore.merge(peerId, { multiaddrs: now.map((address) => multiaddr(address)) })
  }
}
