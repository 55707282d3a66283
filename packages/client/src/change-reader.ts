import type { PeerChange, StarPeer } from './star-peer.js'

/** The state of one loop over changes: what it has yielded, and what it has not read yet. */
export class ChangeReader {
  /** Peers yielded as joined and not yet as left. */
  readonly #online = new Set<string>()
  /** The latest unread state of each peer. */
  readonly #unread = new Map<string, StarPeer>()
  #wake: (() => void) | undefined
  #ended = false

  note(peer: StarPeer): void {
    this.#unread.set(peer.id, peer)
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
        const [peer] = this.#unread.values()
        if (peer !== undefined) {
          this.#unread.delete(peer.id)
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

  /** Returns undefined for a peer that left before the loop saw it. */
  #changeOf(peer: StarPeer): PeerChange | undefined {
    const wasOnline = this.#online.has(peer.id)
    if (peer.addresses.length === 0) return this.#online.delete(peer.id) ? { type: 'left', peer } : undefined
    this.#online.add(peer.id)
    return { type: wasOnline ? 'changed' : 'joined', peer }
  }
}
