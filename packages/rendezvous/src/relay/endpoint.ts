import type { ChunkHeader } from '../codec/stream-frame.js'

/** Start or end of a half: the session of a client here, or the channel to a client of another node. */
export interface Endpoint {
  /** The client understands windows and credit. */
  readonly extended: boolean
  /** Bytes queued for the client. */
  readonly buffered: number
  /** Whether {@link pause} stops the client from sending. */
  readonly isPausable: boolean
  readonly ended: boolean
  /** Network under which a callee counts the endpoint's connections; the endpoint itself if it is exempt from limits. */
  readonly network: unknown
  /** Distinguishes the dialers of one network. */
  readonly identity: unknown
  /** Returns the backlog above which senders are paused: `ceiling`, or less while the client's IP address has too much queued. */
  allowance(ceiling: number): number
  pause(): void
  resume(): void
  /** Requests one call of {@link FlowControl.drained}, made when at most half of `mark` bytes are queued. */
  onDrain(mark: number): void
  /** Sends the client a sign of life while its heartbeat cannot be answered. */
  reassure(): void
  /** @param offset - start of the payload in `bytes` */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void
  sendAccept(stream: string, window: number | undefined): void
  sendCredit(stream: string, bytes: number): void
  /** Sends the end of a half. @param reason - `true` for a normal end, otherwise the error */
  sendError(stream: string, reason: true | string): void
}
