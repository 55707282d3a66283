import { chunkHeader, type ChunkHeader } from '../codec/stream-frame.js'
import type { Endpoint } from './endpoint.js'

/** One direction of a connection: a stream of chunks from its sender to its receiver. */
export class Half {
  /** `<dial id>.dialer` or `<dial id>.listener`: the name on the wire. */
  readonly stream: string
  readonly sender: Endpoint
  readonly receiver: Endpoint
  /** The packet that announces each chunk. */
  readonly header: ChunkHeader
  /** Milliseconds of the server's clock. */
  readonly openedAt: number
  /** The receiver is ready. */
  accepted = false
  ended = false
  /** The error it was reset with, if it was. */
  failure: string | undefined
  /** Room is kept at both ends for the other half, which is still to come. */
  isAwaited = false
  /** When it was opened, accepted or last passed a chunk on, as of the sweep before: whole seconds of the server's clock. */
  usedAt = 0
  /** Payload bytes passed on. */
  bytes = 0
  /** The other half of the same connection, once there is one. */
  partner: Half | undefined
  /** Payload bytes that may still be sent, if the receiver or the server has set a window. */
  credit: number | undefined
  /** The window is the server's own, set for a new sender on behalf of a legacy receiver. */
  isServerWindow = false
  /** Payload bytes passed on since the server last granted credit. */
  owed = 0
  /** Credit that the sender has not been told of yet. */
  untold = 0
  /** Time since which the sender is paused because of this half; milliseconds of the server's clock. */
  heldSince: number | undefined

  constructor(stream: string, sender: Endpoint, receiver: Endpoint, openedAt: number) {
    this.stream = stream
    this.sender = sender
    this.receiver = receiver
    this.header = chunkHeader(stream)
    this.openedAt = openedAt
    this.usedAt = Math.floor(openedAt / 1_000)
  }

  /** When either half of the connection was last used. */
  get connectionUsedAt(): number {
    return this.partner === undefined ? this.usedAt : Math.max(this.usedAt, this.partner.usedAt)
  }

  /** The endpoint that dialled. */
  get dialer(): Endpoint {
    return this.stream.endsWith('.dialer') ? this.sender : this.receiver
  }
}
