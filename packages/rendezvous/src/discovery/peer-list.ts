import { EVENTS, type PeersDelta } from '@websocket-star/protocol'
import { EncodedTexts } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { canonicalUnder, type Entry } from '../registry/entry.js'

/** Peers in one message of a list, at most. */
const PART_PEERS = 1_000
/** Characters of their addresses from which on a message is full as well. */
const PART_LENGTH = 131_072

interface Part {
  readonly entries: readonly Entry[]
  readonly flags: Pick<PeersDelta, 'full' | 'more'>
  encoded: EncodedTexts | undefined
}

/**
 * All peers at one moment as clients of one prefix are told of them: in parts, each of which is encoded once while more
 * clients may want the list.
 */
export class PeerList {
  /** How much of the log of changes it holds. */
  readonly position: number
  readonly #prefix: string | undefined
  readonly #parts: readonly Part[]
  #isShared = true

  constructor(entries: readonly Entry[], prefix: string | undefined, position: number) {
    const groups = partition(entries, prefix)
    this.position = position
    this.#prefix = prefix
    this.#parts = groups.map((group, index) => ({
      entries: group,
      flags: {
        ...(index === 0 ? { full: true } : {}),
        ...(groups.length > 1 ? { more: index < groups.length - 1 } : {})
      },
      encoded: undefined
    }))
  }

  /** How many parts it has; at least one. */
  get length(): number {
    return this.#parts.length
  }

  /**
   * One part of the list, without those who have left since it was made.
   *
   * @param own - keys of the peers that the client is not told of, for they are its own
   */
  part(
    index: number,
    own: readonly string[],
    isThere: (key: string) => boolean
  ): { message: EncodedTexts; count: number } {
    const part = this.#parts[index]
    if (part === undefined) throw new RangeError(`the list has no part ${index}`)
    const ownKeys = new Set(own)
    const entries = part.entries.filter(({ key }) => isThere(key) && !ownKeys.has(key))
    if (entries.length < part.entries.length || !this.#isShared) {
      return { message: this.#encode(entries, part.flags), count: entries.length }
    }
    part.encoded ??= this.#encode(entries, part.flags)
    return { message: part.encoded, count: entries.length }
  }

  /** Keeps no bytes for others: the list is for those only who are getting it. */
  unshare(): void {
    this.#isShared = false
    for (const part of this.#parts) part.encoded = undefined
  }

  #encode(entries: readonly Entry[], flags: Part['flags']): EncodedTexts {
    const delta: PeersDelta = {
      joined: entries.map((entry) => canonicalUnder(entry, this.#prefix)),
      left: [],
      ...flags
    }
    return new EncodedTexts([eventText(EVENTS.peers, [delta])])
  }
}

function partition(entries: readonly Entry[], prefix: string | undefined): Entry[][] {
  let part: Entry[] = []
  const parts = [part]
  let length = 0
  for (const entry of entries) {
    if (part.length >= PART_PEERS || length >= PART_LENGTH) {
      part = []
      parts.push(part)
      length = 0
    }
    part.push(entry)
    length += canonicalUnder(entry, prefix).length
  }
  return parts
}
