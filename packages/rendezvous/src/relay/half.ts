import type { ChunkHeader } from '../transport/link.js'
import type { StreamRoute } from '../transport/receiver.js'
import { chunkHeader } from '../codec/stream-frame.js'
import type { Endpoint } from './endpoint.js'

/** What a half asks about each chunk. */
export interface HalfRules {
  chunk(half: Half, from: Endpoint, bytes: Buffer, offset: number): void
}

/** One half of a dial: a stream of chunks from its sender to its receiver. */
export class Half implements StreamRoute {
  /** `<dial id>.dialer` or `<dial id>.listener`: the name on the wire. */
  readonly stream: string
  readonly sender: Endpoint
  readonly receiver: Endpoint
  /** Who asked for the dial this is a half of. */
  get dialer(): Endpoint {
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
  partner: Half | undefined
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
  readonly #rules: HalfRules

  constructor(stream: string, sender: Endpoint, receiver: Endpoint, openedAt: number, rules: HalfRules) {
    this.stream = stream
    this.sender = sender
    this.receiver = receiver
    this.header = chunkHeader(stream)
    this.openedAt = openedAt
    this.#rules = rules
  }

  chunk(from: Endpoint, bytes: Buffer, offset: number): void {
    this.#rules.chunk(this, from, bytes, offset)
  }
}
