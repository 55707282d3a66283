import { TypedEventEmitter } from 'main-event'
import type { StarEvents } from './events.js'

/** A peer that is online on at least one of the servers that are joined. */
export interface StarPeer {
  /** The peer id as base58btc multihash; for an address that has none, the address. */
  readonly id: string
  /** Where it can be dialled: one address for each server it is on, in canonical form. */
  readonly addresses: readonly string[]
}

/** One change of who is there. */
export interface PeerChange {
  /** `changed`: it can be dialled at other addresses than before. */
  readonly type: 'joined' | 'changed' | 'left'
  readonly peer: StarPeer
}

/**
 * Who is there, over all servers. Iterating lists the peers known now; iterating asynchronously tells of these and then
 * of each change, until the client is closed or the loop is left.
 */
export class Peers implements Iterable<StarPeer> {
  readonly #events: TypedEventEmitter<StarEvents>
  /** Addresses of each peer, by who told of it. */
  readonly #addresses = new Map<string, Map<object, string>>()
  readonly #readers = new Set<ChangeReader>()

  constructor(events: TypedEventEmitter<StarEvents>) {
    this.#events = events
  }

  get size(): number {
    return this.#addresses.size
  }

  has(id: string): boolean {
    return this.#addresses.has(id)
  }

  get(id: string): StarPeer | undefined {
    const addresses = this.#addresses.get(id)
    return addresses === undefined ? undefined : { id, addresses: [...addresses.values()] }
  }

  *[Symbol.iterator](): Iterator<StarPeer> {
    for (const [id, addresses] of this.#addresses) yield { id, addresses: [...addresses.values()] }
  }

  [Symbol.asyncIterator](): AsyncIterableIterator<PeerChange> {
    return this.changes()
  }

  /**
   * The peers known now as joined, then each change. A reader that is slow misses what was undone meanwhile, so that no
   * more than one change per peer waits for it.
   */
  changes({ signal }: { signal?: AbortSignal } = {}): AsyncIterableIterator<PeerChange> {
    const reader = new ChangeReader(() => this.#readers.delete(reader))
    this.#readers.add(reader)
    for (const peer of this) reader.add({ type: 'joined', peer })
    return reader.read(signal)
  }

  /** A server has told of a peer. */
  add(teller: object, id: string, address: string): void {
    const known = this.#addresses.get(id)
    if (known?.get(teller) === address) return
    if (known === undefined) this.#addresses.set(id, new Map([[teller, address]]))
    else known.set(teller, address)
    this.#tell(known === undefined ? 'joined' : 'changed', id)
  }

  /** A peer has left a server. */
  remove(teller: object, id: string): void {
    const known = this.#addresses.get(id)
    if (known?.delete(teller) !== true) return
    if (known.size === 0) this.#addresses.delete(id)
    this.#tell(known.size === 0 ? 'left' : 'changed', id)
  }

  close(): void {
    for (const reader of this.#readers) reader.end()
  }

  #tell(type: PeerChange['type'], id: string): void {
    const peer = this.get(id) ?? { id, addresses: [] }
    for (const reader of this.#readers) reader.add({ type, peer })
    this.#events.safeDispatchEvent(`peer:${type}`, { detail: peer })
  }
}

/** What one asynchronous loop has not read yet. */
class ChangeReader {
  readonly #changes = new Map<string, PeerChange>()
  readonly #onEnd: () => void
  #wake: (() => void) | undefined
  #ended = false

  constructor(onEnd: () => void) {
    this.#onEnd = onEnd
  }

  add(change: PeerChange): void {
    const before = this.#changes.get(change.peer.id)
    this.#changes.delete(change.peer.id)
    // Whoever has not heard that it joined does not need to hear that it left, or of other addresses.
    if (before?.type !== 'joined') this.#changes.set(change.peer.id, change)
    else if (change.type === 'changed') this.#changes.set(change.peer.id, { type: 'joined', peer: change.peer })
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#onEnd()
    this.#wake?.()
  }

  async *read(signal: AbortSignal | undefined): AsyncGenerator<PeerChange, void, undefined> {
    const onAbort = (): void => this.end()
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) this.end()
    try {
      for (;;) {
        const [next] = this.#changes.values()
        if (next !== undefined) {
          this.#changes.delete(next.peer.id)
          yield next
        } else if (this.#ended) {
          signal?.throwIfAborted()
          return
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
      this.#onEnd()
    }
  }
}
