import { EVENTS } from '@websocket-star/protocol'
import { EncodedTexts, type Encoded } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { addressUnder, keyOf, type Entry } from '../registry/entry.js'
import type { Groups } from '../registry/groups.js'
import type { Member } from '../registry/member.js'

/** Bytes of an announcement beside its prefix: frame, event, `/ipfs/` and a peer id of 46 characters. */
const BYTES = 72

/** Peers as those who joined under one prefix are told of them: one event for each, encoded once. */
export class Announcements {
  /** How many there are. */
  readonly count: number
  readonly #encoded: EncodedTexts
  readonly #indexes: ReadonlyMap<string, number>

  constructor(entries: readonly Entry[], prefix: string | undefined) {
    this.count = entries.length
    this.#encoded = new EncodedTexts(entries.map((entry) => eventText(EVENTS.peer, [addressUnder(entry, prefix)])))
    this.#indexes = new Map(entries.map(({ key }, index) => [key, index]))
  }

  /** Bytes of all of them. */
  get size(): number {
    return this.#encoded.size
  }

  /**
   * What a client is told: nobody is told of itself.
   *
   * @returns undefined if that is nothing
   */
  for(member: Member): { messages: Encoded; count: number } | undefined {
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

/** Returns about how many bytes it takes to tell all these listeners of one peer. */
export function announcementSize(listeners: Groups<unknown>): number {
  let bytes = 0
  for (const [prefix, group] of listeners) bytes += group.size * (BYTES + (prefix?.length ?? 0))
  return bytes
}
