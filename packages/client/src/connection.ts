import { readableStream, writableStream, type Sink, type Source } from '@websocket-star/streams'
import { StreamsInUseError } from './errors.js'

export type Direction = 'inbound' | 'outbound'

/** The push-style streams of a connection. They are faster than `readable` and `writable`, which are built on them. */
export interface PushStreams {
  /** Sends. `sink.write(bytes)` returns false when the caller should wait for `sink.onDrain`. */
  readonly sink: Sink
  /** Receives. Set `source.onData` and `source.onEnd`, then call `source.resume()`. */
  readonly source: Source
}

export interface ConnectionInit {
  id: string
  direction: Direction
  remoteAddress: string
  remotePeerId: string | undefined
  localAddress: string
  streams: PushStreams
}

/** Set by {@link Connection}, whose private fields only it can read. */
let claimPushStreams: (connection: Connection) => PushStreams

/**
 * A byte stream to another peer and one back, relayed by a server. Only the connection to the server is encrypted: the server
 * can read and change everything, and vouches for the identity of the other peer. Using `readable` or `writable` together with
 * {@link pushStreams} throws a {@link StreamsInUseError}.
 */
export class Connection {
  /** The id of the dial. */
  readonly id: string
  readonly direction: Direction
  /** The other peer's address on the star, in canonical form. */
  readonly remoteAddress: string
  /** Undefined if the remote address has no peer id. */
  readonly remotePeerId: string | undefined
  /** The address of this client that was dialled, or dialled from. */
  readonly localAddress: string
  /**
   * Resolves when both directions have ended normally. If one fails, rejects with its error when both are over. It may be
   * ignored. The `cause` of an evicted connection is a {@link ConnectionEvictedError}.
   */
  readonly closed: Promise<void>
  readonly #streams: PushStreams
  #style: 'web' | 'push' | undefined
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined
  #writable: WritableStream<Uint8Array> | undefined

  static {
    claimPushStreams = (connection) => connection.#claim('push')
  }

  constructor(init: ConnectionInit) {
    this.id = init.id
    this.direction = init.direction
    this.remoteAddress = init.remoteAddress
    this.remotePeerId = init.remotePeerId
    this.localAddress = init.localAddress
    this.#streams = init.streams
    this.closed = closedOf(init.streams)
    this.closed.catch(() => {})
  }

  /** Bytes from the other peer. Reading slowly makes the sender wait. Cancelling it ends this direction only. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    const { source } = this.#claim('web')
    // Bytes from a socket are never shared memory, which a decoder would not accept.
    return (this.#readable ??= readableStream(source as Source<Uint8Array<ArrayBuffer>>))
  }

  /**
   * Bytes for the other peer. Closing it resolves when the server has received everything, and rejects with `ConnectionLostError` if
   * the connection is lost before that. Servers without the extensions do not confirm; there it resolves when everything was sent.
   */
  get writable(): WritableStream<Uint8Array> {
    const { sink } = this.#claim('web')
    return (this.#writable ??= writableStream(sink))
  }

  /** Ends both directions at once and sends the reason to the other peer. Bytes that are still queued are lost. */
  abort(reason?: unknown): void {
    this.#streams.sink.abort(reason)
    this.#streams.source.abort(reason)
  }

  #claim(style: 'web' | 'push'): PushStreams {
    this.#style ??= style
    if (this.#style !== style) throw new StreamsInUseError(this.id, this.#style)
    return this.#streams
  }
}

async function closedOf({ sink, source }: PushStreams): Promise<void> {
  const errors = await Promise.all([sink.whenClosed, source.whenClosed])
  const failure = errors.find((error) => error !== undefined)
  if (failure !== undefined) throw failure
}

/** Returns the push-style streams of a connection, to be used instead of its `readable` and `writable`. */
export function pushStreams(connection: Connection): PushStreams {
  return claimPushStreams(connection)
}
