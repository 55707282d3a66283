import type { TypedEventEmitter } from 'main-event'
import type { StarEvents } from './events.js'
import type { PeerChange, StarPeer } from './star-peer.js'

/**
 * Who is there, over all servers. Iterating lists the peers known now; iterating asynchronously tells of these and then
 * of each change, until the client is closed or the loop is left.
 */
export class Peers implements Iterable<StarPeer> {
  readonly #events: TypedEventEmitter<StarEvents>
  /** Addresses of each peer, by who told of it. */
  readonly #addresses = new Map<string, Map<object, string>>()
  readonly #readers = new Set<ChangeReader>()
  #closed = false

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
    return addresses === undefined ? undefined : { id, addresses: listOf(addresses) }
  }

  *[Symbol.iterator](): Iterator<StarPeer> {
    for (const [id, addresses] of this.#addresses) yield { id, addresses: listOf(addresses) }
  }

  [Symbol.asyncIterator](): AsyncGenerator<PeerChange, void, undefined> {
    return this.changes()
  }

  /**
   * The peers known now as joined, then each change. A reader that is slow misses what was undone meanwhile, so that no
   * more than one change per peer waits for it.
   */
  async *changes({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<PeerChange, void, undefined> {
    const reader = new ChangeReader()
    for (const peer of this) reader.note(peer)
    if (this.#closed) reader.end()
    this.#readers.add(reader)
    try {
      yield* reader.read(signal)
    } finally {
      this.#readers.delete(reader)
    }
  }

  /** A server has told of a peer. */
  add(teller: object, id: string, address: string): void {
    this.#change(id, (addresses) => addresses.set(teller, address))
  }

  /** A peer has left a server. */
  remove(teller: object, id: string): void {
    if (this.#addresses.has(id)) this.#change(id, (addresses) => addresses.delete(teller))
  }

  /** Nothing more changes: all loops end once they have read what there was. */
  close(): void {
    this.#closed = true
    for (const reader of this.#readers) reader.end()
  }

  #change(id: string, change: (addresses: Map<object, string>) => void): void {
    const addresses = this.#addresses.get(id) ?? new Map<object, string>()
    const before = listOf(addresses)
    change(addresses)
    const after = listOf(addresses)
    if (after.length === 0) this.#addresses.delete(id)
    else this.#addresses.set(id, addresses)
    if (before.length === 0 && after.length > 0) this.#tell('joined', { id, addresses: after })
    else if (before.length > 0 && after.length === 0) this.#tell('left', { id, addresses: after })
    else if (before.join() !== after.join()) this.#tell('changed', { id, addresses: after })
  }

  #tell(type: PeerChange['type'], peer: StarPeer): void {
    for (const reader of this.#readers) reader.note(peer)
    this.#events.safeDispatchEvent(`peer:${type}`, { detail: peer })
  }
}

/** Each address once, though several may have told of it. */
function listOf(addresses: ReadonlyMap<object, string>): string[] {
  return [...new Set(addresses.values())]
}

/** What one asynchronous loop knows, and what it has not read yet. */
class ChangeReader {
  /** Whom the loop was told of, and not that they left. */
  readonly #told = new Set<string>()
  /** How things stand with those of whom it has not heard the last. */
  readonly #waiting = new Map<string, StarPeer>()
  #wake: (() => void) | undefined
  #ended = false

  note(peer: StarPeer): void {
    this.#waiting.set(peer.id, peer)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *read(signal: AbortSignal | undefined): AsyncGenerator<PeerChange, void, undefined> {
    const onAbort = (): void => this.end()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      for (;;) {
        signal?.throwIfAborted()
        const [peer] = this.#waiting.values()
        if (peer !== undefined) {
          this.#waiting.delete(peer.id)
          const change = this.#changeOf(peer)
          if (change !== undefined) yield change
        } else if (this.#ended) {
          return
        } else {
          await new Promise<void>((resolve) => (this.#wake = resolve))
        }
      }
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Undefined if what happened was undone before the loop heard of it. */
  #changeOf(peer: StarPeer): PeerChange | undefined {
    const wasThere = this.#told.has(peer.id)
    if (peer.addresses.length === 0) return this.#told.delete(peer.id) ? { type: 'left', peer } : undefined
    this.#told.add(peer.id)
    return { type: wasThere ? 'changed' : 'joined', peer }
  }
}
