import type { ChunkHeader } from '../wire/link.js'
import type { StreamRoute } from '../wire/receiver.js'
import { chunkHeader } from '../wire/stream-frame.js'
import type { Party } from './party.js'

/** What a proxy asks about each chunk. */
export interface ProxyRules {
  chunk(proxy: Proxy, from: Party, bytes: Buffer, offset: number): void
}

/** One half of a dial: a stream of chunks from its sender to its receiver. */
export class Proxy implements StreamRoute {
  /** `<dial id>.dialer` or `<dial id>.listener`: the name on the wire. */
  readonly stream: string
  readonly sender: Party
  readonly receiver: Party
  /** Who asked for the dial this is a half of. */
  get dialer(): Party {
    return this.stream.endsWith('.dialer') ? this.sender : this.receiver
  }

  /** The packet that announces each chunk. */
  readonly header: ChunkHeader
  /** Milliseconds of the server's clock. */
  readonly openedAt: number
  /** The receiver has said that it is ready. */
  accepted = false
  ended = false
  /** Why it was reset, if it was. */
  failure: string | undefined
  /** Payload bytes passed on. */
  bytes = 0
  /** The other half of the same dial, once there is one. */
  partner: Proxy | undefined
  /** Payload bytes that may still be sent, if the receiver or the server has set a window. */
  credit: number | undefined
  /** The window is the server's own, set for a new sender on behalf of a legacy receiver. */
  isServerWindow = false
  /** Payload bytes passed on since the server last granted credit. */
  owed = 0
  /** Credit the sender has not been told of yet. */
  untold = 0
  /** Since when the sender is held on account of this half; milliseconds of the server's clock. */
  heldSince: number | undefined
  readonly #rules: ProxyRules

  constructor(stream: string, sender: Party, receiver: Party, openedAt: number, rules: ProxyRules) {
    this.stream = stream
    this.sender = sender
    this.receiver = receiver
    this.header = chunkHeader(stream)
    this.openedAt = openedAt
    this.#rules = rules
  }

  chunk(from: Party, bytes: Buffer, offset: number): void {
    this.#rules.chunk(this, from, bytes, offset)
  }
}
