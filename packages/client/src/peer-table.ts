import type { ChangeReader } from './change-reader.js'
import type { StarEventTarget } from './event-target.js'
import { distinct, Peers } from './peers.js'
import type { PeerChange, StarPeer } from './star-peer.js'

/** Merges the peers that each server announces, and dispatches the changes as events. */
export class PeerTable {
  /** The read-only view that users of the client get. */
  readonly peers: Peers
  readonly #events: StarEventTarget
  readonly #addresses = new Map<string, Map<object, string>>()
  readonly #readers = new Set<ChangeReader>()
  #isClosed = false

  constructor(events: StarEventTarget) {
    this.#events = events
    this.peers = new Peers(this.#addresses, (reader) => {
      if (this.#isClosed) reader.end()
      this.#readers.add(reader)
      return () => this.#readers.delete(reader)
    })
  }

  add(server: object, id: string, address: string): void {
    this.#change(id, (addresses) => addresses.set(server, address))
  }

  remove(server: object, id: string): void {
    if (this.#addresses.has(id)) this.#change(id, (addresses) => addresses.delete(server))
  }

  /** Ends all readers once they have read the changes that are left. */
  close(): void {
    this.#isClosed = true
    for (const reader of this.#readers) reader.end()
  }

  #change(id: string, change: (addresses: Map<object, string>) => void): void {
    const addresses = this.#addresses.get(id) ?? new Map<object, string>()
    const before = distinct(addresses)
    change(addresses)
    const after = distinct(addresses)
    if (after.length === 0) this.#addresses.delete(id)
    else this.#addresses.set(id, addresses)
    if (before.length === 0 && after.length > 0) this.#dispatch('joined', { id, addresses: after })
    else if (before.length > 0 && after.length === 0) this.#dispatch('left', { id, addresses: after })
    else if (before.join() !== after.join()) this.#dispatch('changed', { id, addresses: after })
  }

  #dispatch(type: PeerChange['type'], peer: StarPeer): void {
    for (const reader of this.#readers) reader.note(peer)
    this.#events.safeDispatchEvent(`peer:${type}`, { detail: peer })
  }
}
