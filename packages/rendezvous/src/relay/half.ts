import { chunkHeader, type ChunkHeader } from '../codec/stream-frame.js'
import type { Endpoint } from './endpoint.js'

/** One direction of a connection: chunks from its sender to its receiver. */
export class Half {
  /** Name on the wire: `<dial id>.dialer` or `<dial id>.listener`. */
  readonly stream: string
  readonly sender: Endpoint
  readonly receiver: Endpoint
  /** Packet that announces each chunk. */
  readonly header: ChunkHeader
  /** Time in milliseconds of the server's clock. */
  readonly openedAt: number
  accepted = false
  ended = false
  failure: string | undefined
  /** Both endpoints have a place reserved for the other half, which is not open yet. */
  hasReservation = false
  /** Last time that the half was opened, accepted or used for a chunk, in whole seconds of the server's clock. */
  usedAt = 0
  bytes = 0
  partner: Half | undefined
  /** Payload bytes that may still be sent; undefined without a window. */
  credit: number | undefined
  /** The server set the window itself, for an extended sender whose receiver is a legacy client. */
  isServerWindow = false
  /** Payload bytes relayed within a server window, for which the server has not granted new credit yet. */
  unreplenished = 0
  /** Credit that the receiver has granted and the server has not forwarded yet. */
  deferredCredit = 0
  /** Time at which this half paused its sender, in milliseconds; undefined while this half does not pause its sender. */
  pausedSince: number | undefined

  constructor(stream: string, sender: Endpoint, receiver: Endpoint, openedAt: number) {
    this.stream = stream
    this.sender = sender
    this.receiver = receiver
    this.header = chunkHeader(stream)
    this.openedAt = openedAt
    this.usedAt = Math.floor(openedAt / 1_000)
  }

  get connectionUsedAt(): number {
    return this.partner === undefined ? this.usedAt : Math.max(this.usedAt, this.partner.usedAt)
  }

  get dialer(): Endpoint {
    return this.stream.endsWith('.dialer') ? this.sender : this.receiver
  }
}
