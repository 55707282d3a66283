import type { ChunkHeader } from '../codec/stream-frame.js'

/** What a half starts or ends at: the session of a client, or the channel to a client of another node. */
export interface Endpoint {
  /** The client keeps to windows and credit. */
  readonly extended: boolean
  /** Bytes queued for the client. */
  readonly buffered: number
  /** {@link pause} keeps the client from sending more. */
  readonly isPausable: boolean
  readonly ended: boolean
  /** The network that its connections count for at a callee: a name, or the endpoint itself where networks are not limited. */
  readonly network: unknown
  /** Who it is among the callers of its network. */
  readonly caller: unknown
  /**
   * Bytes that may be queued for the client before those who send to it are held.
   *
   * @param usual - without regard to others of its address
   */
  allowance(usual: number): number
  /** Stops reading from the client. */
  pause(): void
  resume(): void
  /** Asks for one call of {@link FlowControl.drained}, once at most half of `mark` bytes are queued. */
  onDrain(mark: number): void
  /** Shows a client that the server is alive, although its heartbeat cannot be answered. */
  reassure(): void
  /** @param bytes - the payload begins at `offset` */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void
  sendAccept(stream: string, window: number | undefined): void
  sendCredit(stream: string, bytes: number): void
  sendError(stream: string, reason: true | string): void
}
