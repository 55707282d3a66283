import type { ChunkHeader } from '../transport/link.js'
import type { StreamRoute } from '../transport/receiver.js'

/** An end of stream halves: the session of a client, or the channel to a client of another node. */
export interface Endpoint {
  /** The halves it is an end of, by name. Owned by the relay. */
  readonly routes: Map<string, StreamRoute>
  /** The client keeps to windows and credit. */
  readonly extended: boolean
  /** Bytes that were sent to it and have not been taken. */
  readonly buffered: number
  /** It cannot be made to wait. */
  readonly polling: boolean
  readonly ended: boolean
  /** Stops taking what the client sends. */
  pause(): void
  resume(): void
  /** Asks to be told once, by {@link Router.drained}, when half of `mark` bytes or less have not been taken. */
  onDrain(mark: number): void
  /** Tells a client that it is not forgotten. */
  reassure(): void
  /** @param bytes - the payload begins at `offset` */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void
  sendAccept(stream: string, window: number | undefined): void
  sendCredit(stream: string, bytes: number): void
  sendError(stream: string, reason: true | string): void
}
