import { EVENTS } from '@websocket-star/protocol'
import { EncodedTexts, type Encoded } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { addressUnder, keyOf, type PeerEntry } from '../registry/peer-entry.js'
import type { Groups } from '../registry/groups.js'
import type { SessionEntry } from '../registry/session-entry.js'

/** Bytes of an announcement besides its prefix: frame, event, `/ipfs/` and a peer id of 46 characters. */
const BASE_BYTES = 72

/** Announcements of peers to the clients of one prefix: one event per peer, encoded once. */
export class AnnouncementBatch {
  readonly count: number
  readonly #encoded: EncodedTexts
  readonly #indexes: ReadonlyMap<string, number>

  constructor(entries: readonly PeerEntry[], prefix: string | undefined) {
    this.count = entries.length
    this.#encoded = new EncodedTexts(entries.map((entry) => eventText(EVENTS.peer, [addressUnder(entry, prefix)])))
    this.#indexes = new Map(entries.map(({ key }, index) => [key, index]))
  }

  get size(): number {
    return this.#encoded.size
  }

  /** Returns the announcements except those of the client's own peers; undefined if none remain. */
  exceptOwn(member: SessionEntry): { messages: Encoded; count: number } | undefined {
    const own: number[] = []
    for (const address of member.addresses.values()) {
      const index = this.#indexes.get(keyOf(address))
      if (index !== undefined && !own.includes(index)) own.push(index)
    }
    const count = this.count - own.length
    if (count === 0) return undefined
    return { messages: this.#without(own), count }
  }

  #without(indexes: readonly number[]): Encoded {
    const [index] = indexes
    if (index === undefined) return this.#encoded
    if (indexes.length === 1) return this.#encoded.without(index)
    return new EncodedTexts(this.#encoded.texts.filter((_, other) => !indexes.includes(other)))
  }
}

/** Returns roughly how many bytes it takes to announce one peer to all these subscribers. */
export function announcementSize(subscribers: Groups<unknown>): number {
  let bytes = 0
  for (const [prefix, group] of subscribers) bytes += group.size * (BASE_BYTES + (prefix?.length ?? 0))
  return bytes
}
