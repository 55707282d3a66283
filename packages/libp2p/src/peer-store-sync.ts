import type { Logger, PeerStore } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { StarClient, StarPeer } from '@websocket-star/client'
import { parseAddress } from '@websocket-star/protocol'
import { toPeerId } from './peer-id.js'

/**
 * Keeps the star addresses in a node's peer store up to date. Without an address in the store, a peer id cannot be dialed, and
 * libp2p takes discovery only from services of its configuration. Other addresses are left alone.
 */
export class PeerStoreSync {
  readonly #peerStore: PeerStore
  readonly #log: Logger
  readonly #adds: boolean
  readonly #stop = new AbortController()
  readonly #stored = new Map<string, readonly string[]>()
  /** Last update of each peer: updates of one peer run in order. */
  readonly #updates = new Map<string, Promise<void>>()

  /** @param adds - false if something else adds the addresses; they are only removed then */
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
    const update = (this.#updates.get(peer.id) ?? Promise.resolve())
      .then(() => this.#update(peer))
      .catch((error: unknown) => this.#log.error('could not store the addresses of %s - %e', peer.id, error))
      .finally(() => {
        if (this.#updates.get(peer.id) === update) this.#updates.delete(peer.id)
      })
    this.#updates.set(peer.id, update)
  }

  async #update({ id, addresses }: StarPeer): Promise<void> {
    const peerId = toPeerId(id)
    if (peerId === undefined) return
    // The store strips the peer id from the end of addresses.
    const now = addresses.flatMap((address) => parseAddress(address).prefix ?? [])
    const gone = (this.#stored.get(id) ?? []).filter((address) => !now.includes(address))
    if (now.length > 0) this.#stored.set(id, now)
    else this.#stored.delete(id)
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
