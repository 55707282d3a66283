import type { ComponentLogger, Libp2pEvents, Logger, Peer, PeerId, PeerStore } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { multiaddr } from '@multiformats/multiaddr'
import type { StarClient } from '@websocket-star/client'
import { parseAddress, serverUrl } from '@websocket-star/protocol'
import type { TypedEventTarget } from 'main-event'
import { maxAddressAge } from './address-age.js'
import { toPeerId } from './peer-id.js'
import { hasAddressesOnly, readPeer, renewAddresses, withoutStars } from './peer-record.js'

export interface PeerStoreSyncComponents {
  connectionManager: Pick<ConnectionManager, 'getConnections'>
  events: TypedEventTarget<Libp2pEvents>
  logger: ComponentLogger
  peerStore: PeerStore
}

interface StoredPeer {
  readonly prefixes: readonly string[]
  /** When the addresses were stored; milliseconds since 1970. */
  readonly at: number
}

interface Put {
  readonly prefixes: readonly string[]
  /** Addresses that were stored before. */
  readonly before: readonly string[]
  /** Whether to leave the record unchanged if the store still returns at least one of `prefixes`. */
  readonly onlyIfMissing: boolean
}

/** Addresses are renewed from this fraction of their maximum age on. */
const RENEWED_FROM = 1 / 4
/** Addresses of this fraction of their maximum age are renewed however many there are. */
const RENEWED_BY = 3 / 4
/** Milliseconds of the longest timer. */
const LONGEST_INTERVAL = 2 ** 31 - 1
/** Number of checks within the maximum age of an address. */
const CHECKS = 200
/** A check renews at most one in this many peers, so all within a quarter of the maximum age; {@link RENEWED_BY} overrides this. */
const SHARE = CHECKS / 4

/**
 * Keeps the star addresses in a node's peer store up to date. libp2p dials a peer id only if the store has an address of it. It
 * stores discovered peers only if a peer-discovery module in its configuration announces them, and a transport is no such module. Other addresses are left
 * alone.
 *
 * The store forgets addresses after an hour, so they are renewed while their peer is on the star. A record that knows nothing else
 * is deleted when its peer has left.
 */
export class PeerStoreSync {
  readonly #client: StarClient
  readonly #components: PeerStoreSyncComponents
  readonly #log: Logger
  readonly #adds: boolean
  readonly #maxAge: number
  readonly #timer: ReturnType<typeof setInterval>
  readonly #stop = new AbortController()
  /** In the order in which they were stored. */
  readonly #stored = new Map<string, StoredPeer>()
  /** Last update of each peer: updates of one peer run in order. */
  readonly #updates = new Map<string, Promise<void>>()

  /** @param adds - false if something else adds the addresses; they are only renewed and removed then */
  constructor(client: StarClient, components: PeerStoreSyncComponents, adds = true) {
    this.#client = client
    this.#components = components
    this.#log = components.logger.forComponent('libp2p:websocket-star:peers')
    this.#adds = adds
    const { signal } = this.#stop
    for (const name of ['peer:joined', 'peer:changed', 'peer:left'] as const) {
      client.addEventListener(name, ({ detail }) => this.#enqueue(detail.id), { signal })
    }
    for (const { id } of client.peers) this.#enqueue(id)
    if (adds) components.events.addEventListener('peer:update', ({ detail }) => this.#restore(detail.peer), { signal })
    this.#maxAge = maxAddressAge(components.peerStore)
    this.#timer = setInterval(() => this.#renewOldest(), Math.min(this.#maxAge / CHECKS, LONGEST_INTERVAL))
  }

  /** Deletes the records that know nothing but star addresses. */
  async stop(): Promise<void> {
    this.#stop.abort()
    clearInterval(this.#timer)
    for (const id of this.#stored.keys()) this.#enqueue(id)
    await Promise.all(this.#updates.values())
  }

  /** Adds the addresses again if something else has replaced them, as identify does. */
  #restore({ id, addresses }: Peer): void {
    const stored = this.#stored.get(id.toString())
    if (stored === undefined) return
    const isMissing = !addresses.some(({ multiaddr }) => stored.prefixes.includes(multiaddr.toString()))
    // A renewal removes addresses for a moment, so they may be back already: the write checks again.
    if (isMissing) this.#enqueue(id.toString(), true)
  }

  #renewOldest(): void {
    const now = Date.now()
    let left = Math.ceil(this.#stored.size / SHARE)
    for (const [id, { at }] of this.#stored) {
      const age = (now - at) / this.#maxAge
      if (age < RENEWED_FROM || (left-- <= 0 && age < RENEWED_BY)) return
      this.#enqueue(id)
    }
  }

  #enqueue(id: string, onlyIfMissing = false): void {
    const update = (this.#updates.get(id) ?? Promise.resolve())
      .then(() => this.#update(id, onlyIfMissing))
      .catch((error: unknown) => this.#log.error('could not store the addresses of %s - %e', id, error))
      .finally(() => {
        if (this.#updates.get(id) === update) this.#updates.delete(id)
      })
    this.#updates.set(id, update)
  }

  async #update(id: string, onlyIfMissing: boolean): Promise<void> {
    const peerId = toPeerId(id)
    if (peerId === undefined) return
    const addresses = this.#stop.signal.aborted ? [] : (this.#client.peers.get(id)?.addresses ?? [])
    // The store strips the peer id from the end of addresses.
    const prefixes = addresses.flatMap((address) => parseAddress(address).prefix ?? [])
    const before = this.#stored.get(id)?.prefixes ?? []
    // Deleted first, so that the peer moves to the end.
    this.#stored.delete(id)
    if (prefixes.length > 0) {
      this.#stored.set(id, { prefixes, at: Date.now() })
      await this.#put(peerId, { prefixes, before, onlyIfMissing })
    } else if (before.length > 0) await this.#remove(peerId, before)
  }

  async #put(peerId: PeerId, { prefixes, before, onlyIfMissing }: Put): Promise<void> {
    const { peerStore, connectionManager } = this.#components
    const record = await readPeer(peerStore, peerId)
    if (record === undefined) {
      if (this.#adds) await peerStore.merge(peerId, { multiaddrs: prefixes.map((prefix) => multiaddr(prefix)) })
      return
    }
    const known = new Set(record.addresses.map((address) => address.multiaddr.toString()))
    if (onlyIfMissing && prefixes.some((prefix) => known.has(prefix))) return
    const outdated = before.filter((prefix) => !prefixes.includes(prefix))
    const renewed = this.#adds ? prefixes : prefixes.filter((prefix) => known.has(prefix))
    const isConnected = connectionManager.getConnections(peerId).length > 0
    if (renewed.length + outdated.length > 0) {
      await renewAddresses(peerStore, record, renewed, outdated, isConnected)
    }
  }

  async #remove(peerId: PeerId, before: readonly string[]): Promise<void> {
    const { peerStore } = this.#components
    const record = await readPeer(peerStore, peerId)
    if (record === undefined) return
    // If this node itself has left a star, it can join that star again for a dial. So addresses there are kept, if the record has
    // more than addresses.
    const left = hasAddressesOnly(record) ? before : before.filter((prefix) => !this.#hasLeft(prefix))
    if (left.length === 0) return
    // Patched even if the record is deleted next: `delete` emits no event, and listeners learn from the patch that the peer has left.
    const rest = await peerStore.patch(peerId, { addresses: withoutStars(record, left) })
    if (rest.addresses.length === 0 && hasAddressesOnly(rest)) await peerStore.delete(peerId)
  }

  #hasLeft(prefix: string): boolean {
    const url = serverUrl(prefix)
    return this.#stop.signal.aborted || !this.#client.servers.some((server) => server.url === url)
  }
}
