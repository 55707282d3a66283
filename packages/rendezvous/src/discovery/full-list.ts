import { EVENTS, type PeersDelta } from '@websocket-star/protocol'
import { EncodedTexts } from '../codec/encoded.js'
import { eventText } from '../codec/packet.js'
import { canonicalUnder, type PeerEntry } from '../registry/peer-entry.js'

/** A part ends after this many peers or characters of addresses. */
const PART_PEERS = 1_000
const PART_LENGTH = 131_072

interface Part {
  readonly entries: readonly PeerEntry[]
  readonly flags: Pick<PeersDelta, 'full' | 'more'>
  encoded: EncodedTexts | undefined
}

/** Snapshot of all peers for the clients of one prefix, in parts. While the list is shared, each part is encoded once. */
export class FullList {
  /** Position of the change log when the list was made. */
  readonly position: number
  readonly #prefix: string | undefined
  readonly #parts: readonly Part[]
  #isShared = true

  constructor(entries: readonly PeerEntry[], prefix: string | undefined, position: number) {
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

  get length(): number {
    return this.#parts.length
  }

  /** Returns a part of the list, without the peers in `own` and those that `isListed` rejects, both by key. */
  part(
    index: number,
    own: readonly string[],
    isListed: (key: string) => boolean
  ): { message: EncodedTexts; count: number } {
    const part = this.#parts[index]
    if (part === undefined) throw new RangeError(`Part ${index} of a full list does not exist; it has ${this.length}`)
    const ownKeys = new Set(own)
    const entries = part.entries.filter(({ key }) => isListed(key) && !ownKeys.has(key))
    if (entries.length < part.entries.length || !this.#isShared) {
      return { message: this.#encode(entries, part.flags), count: entries.length }
    }
    part.encoded ??= this.#encode(entries, part.flags)
    return { message: part.encoded, count: entries.length }
  }

  /** Frees the encoded parts, and keeps none from now on. */
  stopSharing(): void {
    this.#isShared = false
    for (const part of this.#parts) part.encoded = undefined
  }

  #encode(entries: readonly PeerEntry[], flags: Part['flags']): EncodedTexts {
    const delta: PeersDelta = {
      joined: entries.map((entry) => canonicalUnder(entry, this.#prefix)),
      left: [],
      ...flags
    }
    return new EncodedTexts([eventText(EVENTS.peers, [delta])])
  }
}

function partition(entries: readonly PeerEntry[], prefix: string | undefined): PeerEntry[][] {
  let part: PeerEntry[] = []
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
