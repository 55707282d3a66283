import { ChangeReader } from './change-reader.js'
import type { PeerChange, StarPeer } from './star-peer.js'

/** A peer's addresses, by the server that announces them. */
export type AddressesByServer = ReadonlyMap<object, string>

/** The peers that are online on any of the joined servers. */
export class Peers implements Iterable<StarPeer> {
  readonly #addresses: ReadonlyMap<string, AddressesByServer>
  readonly #follow: (reader: ChangeReader) => () => void

  /** @param follow - sends a reader all further changes, until the function that it returns is called */
  constructor(addresses: ReadonlyMap<string, AddressesByServer>, follow: (reader: ChangeReader) => () => void) {
    this.#addresses = addresses
    this.#follow = follow
  }

  get size(): number {
    return this.#addresses.size
  }

  has(id: string): boolean {
    return this.#addresses.has(id)
  }

  get(id: string): StarPeer | undefined {
    const addresses = this.#addresses.get(id)
    return addresses === undefined ? undefined : { id, addresses: distinct(addresses) }
  }

  *[Symbol.iterator](): Iterator<StarPeer> {
    for (const [id, addresses] of this.#addresses) yield { id, addresses: distinct(addresses) }
  }

  /**
   * Yields the current peers as `joined`, then each change, until the client is closed. A slow reader gets at most one change
   * per peer, from what it last saw to the current state.
   */
  async *changes({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<PeerChange, void, undefined> {
    const reader = new ChangeReader()
    for (const peer of this) reader.note(peer)
    const unfollow = this.#follow(reader)
    try {
      yield* reader.read(signal)
    } finally {
      unfollow()
    }
  }
}

/** Returns each address once: several servers may announce the same. */
export function distinct(addresses: AddressesByServer): string[] {
  return [...new Set(addresses.values())]
}
