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
  /** Network that its connections are counted for at a callee: a name, or the endpoint itself if networks are not limited. */
  readonly network: unknown
  /** Tells the dialers of one network apart. */
  readonly identity: unknown
  /** Returns the bytes that may be queued before senders are paused: `usual`, or less while its address has too many queued. */
  allowance(usual: number): number
  pause(): void
  resume(): void
  /** Requests one call of {@link FlowControl.drained}, made when at most half of `mark` bytes are queued. */
  onDrain(mark: number): void
  /** Sends the client a sign of life while its heartbeat cannot be answered. */
  reassure(): void
  /** @param bytes - the payload begins at `offset` */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void
  sendAccept(stream: string, window: number | undefined): void
  sendCredit(stream: string, bytes: number): void
  sendError(stream: string, reason: true | string): void
}
