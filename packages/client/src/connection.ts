import { readableStream, writableStream, type Sink, type Source } from '@websocket-star/streams'

/** How a connection came to be. */
export type Direction = 'inbound' | 'outbound'

export interface ConnectionInit {
  /** The dial's id. */
  id: string
  direction: Direction
  /** The other peer's address on the star, in canonical form. */
  remoteAddress: string
  /** Undefined if its address has no peer id. */
  remotePeerId: string | undefined
  /** This client's address that was dialled, or dialled from. */
  localAddress: string
  sink: Sink
  source: Source
}

/**
 * A byte stream to another peer and one back, through a server. Nothing is encrypted but what the way to the server is,
 * and who is at the other end is what the server says: a star checks that peers own their ids, unless it was told not to.
 *
 * Use either `readable` and `writable`, or `source` and `sink` below them.
 */
export class Connection {
  readonly id: string
  readonly direction: Direction
  readonly remoteAddress: string
  readonly remotePeerId: string | undefined
  readonly localAddress: string
  /** The push-style core of `writable`. */
  readonly sink: Sink
  /** The push-style core of `readable`. */
  readonly source: Source
  /**
   * Fulfilled once both directions have ended as they should; rejected once both are over with the first error of
   * either. A rejection that nobody looks at goes unnoticed. The `cause` of one that gave way to another is a
   * {@link GaveWayError}.
   */
  readonly closed: Promise<void>
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  #writable: WritableStream<Uint8Array> | undefined

  /** Made by a client. */
  constructor(init: ConnectionInit) {
    this.id = init.id
    this.direction = init.direction
    this.remoteAddress = init.remoteAddress
    this.remotePeerId = init.remotePeerId
    this.localAddress = init.localAddress
    this.sink = init.sink
    this.source = init.source
    this.closed = this.#close()
    this.closed.catch(() => {})
  }

  async #close(): Promise<void> {
    const errors = await Promise.all([this.sink.whenClosed, this.source.whenClosed])
    const failure = errors.find((error) => error !== undefined)
    if (failure !== undefined) throw failure
  }

  /** What the other peer sends. As long as it is not read, that peer waits; cancelling it stops that peer's sending only. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    // What comes from a socket is never shared memory; without saying so it could not be piped through a decoder.
    return (this.#readable ??= readableStream(this.source as Source<Uint8Array<ArrayBuffer>>))
  }

  /** What is sent to the other peer. Closing it resolves once everything was sent. */
  get writable(): WritableStream<Uint8Array> {
    return (this.#writable ??= writableStream(this.sink))
  }

  /** When a chunk last passed in either direction, or when it was opened; milliseconds of `performance.now()`. */
  get usedAt(): number {
    return Math.max(this.sink.usedAt, this.source.usedAt)
  }

  /** Both directions are over. */
  get isClosed(): boolean {
    return this.sink.closed && this.source.closed
  }

  /** Ends both directions at once; the other peer is told why, and what was not sent yet is lost. */
  abort(reason?: unknown): void {
    this.sink.abort(reason)
    this.source.abort(reason)
  }
}
