import { createDialId, endReason, parseStreamEventName, type StreamEventKind } from '@websocket-star/protocol'
import { resolveCodec, type Codec, type CodecName, type NamedCodecs } from './codec.js'
import { StreamIdInUseError } from './errors.js'
import { queueMacrotask } from './macrotask.js'
import { Sink, type SinkOptions } from './sink.js'
import { SocketWriter } from './socket-writer.js'
import { tapEvents, unsentBytes, type SocketLike } from './socket.js'
import { Source, type SourceOptions } from './source.js'
import { forward, type StreamProxy } from './stream-proxy.js'

export interface CodecOption<C> {
  /** Must be the same on both sides. Default `'plain'`. */
  codec?: C
}

/** A codec, by name or as an object. */
// oxlint-disable-next-line typescript/no-explicit-any -- a codec of any values
export type AnyCodec = CodecName | Codec<any>

/** Type of the values of a codec's streams. */
export type ValueOf<C> = C extends CodecName ? NamedCodecs[C] : C extends Codec<infer T> ? T : never

/** The streams of one socket.io socket: a client's or a server's, of version 2, 3 or 4. */
export class SocketStreams {
  readonly #socket: SocketLike
  readonly #writer: SocketWriter
  readonly #untap: () => void
  // oxlint-disable-next-line typescript/no-explicit-any -- of values of any kind
  readonly #sinks = new Map<string, Sink<any>>()
  // oxlint-disable-next-line typescript/no-explicit-any -- of values of any kind
  readonly #sources = new Map<string, Source<any>>()
  /** Events of streams that are unknown, or that the application is about to open. */
  readonly #unmatched: StreamEvent[] = []
  readonly #onClose: () => void
  #closed = false

  constructor(socket: SocketLike, onClose: () => void) {
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    this.#onClose = onClose
    this.#untap = tapEvents(socket, (name, args) => this.#receive(name, args))
    socket.on('disconnect', this.#onDisconnect)
  }

  /**
   * Sets how streams learn that their end has arrived: the function calls back once the other end of the socket has received all
   * that was sent before. By default an end counts as delivered when it was sent.
   */
  set confirmDelivery(confirm: (delivered: () => void) => void) {
    this.#writer.confirmDelivery = confirm
  }

  /** Bytes that have not left this process yet, of all that was sent on the socket. */
  get unsentBytes(): number {
    return unsentBytes(this.#socket)
  }

  /** Ends all streams with {@link ConnectionLostError}, for a connection that is known to be lost before the socket knows it. */
  loseConnection(reason: string): void {
    this.#onDisconnect(reason)
  }

  /** Returns whether a stream with this id is open, in either direction. */
  has(id: string): boolean {
    return this.#sinks.has(id) || this.#sources.has(id)
  }

  /** Number of open streams. */
  get size(): number {
    return this.#sinks.size + this.#sources.size
  }

  /**
   * Creates the sending side of a stream. Announce its id to the other side, which creates the source.
   *
   * @param id - default: 128 random bits in hex
   * @throws {StreamIdInUseError}
   */
  createSink<C extends AnyCodec = 'plain'>(
    id: string = createDialId(),
    { codec, ...options }: SinkOptions & CodecOption<C> = {}
  ): Sink<ValueOf<C>> {
    if (this.#sinks.has(id)) throw new StreamIdInUseError(id)
    const sink = new Sink<ValueOf<C>>(id, this.#writer, resolveCodec(codec), () => this.#sinks.delete(id), options)
    this.#sinks.set(id, sink)
    if (!this.#writer.connected) this.#disconnectSoon(sink)
    return sink
  }

  /**
   * Creates the receiving side of a stream, and accepts it unless `deferred` is set. Call it in the handler that receives the
   * id, before awaiting anything: events of unknown streams are dropped.
   *
   * @throws {StreamIdInUseError}
   */
  createSource<C extends AnyCodec = 'plain'>(
    id: string,
    { codec, ...options }: SourceOptions & CodecOption<C> = {}
  ): Source<ValueOf<C>> {
    if (this.#sources.has(id)) throw new StreamIdInUseError(id)
    const source = new Source<ValueOf<C>>(
      id,
      this.#writer,
      resolveCodec(codec),
      () => this.#sources.delete(id),
      options
    )
    this.#sources.set(id, source)
    if (!this.#writer.connected) this.#disconnectSoon(source)
    return source
  }

  /**
   * Forwards a stream from this socket to another, whose other side creates the source.
   *
   * @throws {StreamIdInUseError} if the id is in use on either socket
   */
  createProxy(id: string, to: SocketLike | SocketStreams): StreamProxy {
    if (this.#sources.has(id)) throw new StreamIdInUseError(id)
    const sink = (to instanceof SocketStreams ? to : socketStreams(to)).createSink(id)
    return forward(this.createSource(id, { deferred: true }), sink)
  }

  /** Aborts every stream and removes all listeners from the socket, which stays open. */
  close(reason: unknown = 'closed'): void {
    if (this.#closed) return
    this.#closed = true
    for (const stream of this.#all()) stream.abort(reason)
    this.#writer.close()
    this.#untap()
    this.#socket.removeListener('disconnect', this.#onDisconnect)
    this.#onClose()
  }

  #all(): OpenStream[] {
    return [...this.#sinks.values(), ...this.#sources.values()]
  }

  #receive(name: string, [argument]: readonly unknown[]): boolean {
    const parsed = parseStreamEventName(name)
    if (parsed === undefined) return false
    const event = { ...parsed, argument }
    const isHandled = this.#dispatch(event)
    if (!isHandled && (event.kind === 'accept' || event.kind === 'error')) this.#retryLater(event)
    return isHandled
  }

  /**
   * Dispatches an event again in the next task. A server's socket delivers events to the application later than to this
   * class, so the event that makes the application open the stream may still be on its way.
   */
  #retryLater(event: StreamEvent): void {
    this.#unmatched.push(event)
    if (this.#unmatched.length > 1) return
    queueMacrotask(() => {
      for (const event of this.#unmatched.splice(0)) this.#dispatch(event)
    })
  }

  #dispatch({ kind, stream, argument }: StreamEvent): boolean {
    const sink = this.#sinks.get(stream)
    const source = this.#sources.get(stream)
    switch (kind) {
      case 'queue':
        source?.receiveChunk(argument)
        return source !== undefined
      case 'accept':
        sink?.receiveAccept(argument)
        return sink !== undefined
      case 'credit':
        sink?.receiveCredit(argument)
        return sink !== undefined
      case 'error':
        // Both directions may use one id; the end of the sender has precedence.
        if (source !== undefined) source.receiveError(argument)
        else if (sink !== undefined) sink.receiveError(argument)
        return source !== undefined || sink !== undefined
    }
  }

  readonly #onDisconnect = (reason: unknown): void => {
    for (const stream of this.#all()) stream.receiveDisconnect(reasonOf(reason))
  }

  /** Fails a stream that was created while disconnected, after its creator could set callbacks. */
  #disconnectSoon(stream: OpenStream): void {
    queueMicrotask(() => {
      if (!this.#writer.connected) stream.receiveDisconnect('not connected')
    })
  }
}

interface StreamEvent {
  kind: StreamEventKind
  stream: string
  argument: unknown
}

interface OpenStream {
  abort(reason?: unknown): void
  receiveDisconnect(reason: string): void
}

const streamsBySocket = new WeakMap<SocketLike, SocketStreams>()

/**
 * Returns the streams of a socket: always the same object for one socket.
 *
 * @throws TypeError if the object is no socket.io socket of version 2, 3 or 4
 */
export function socketStreams(socket: SocketLike): SocketStreams {
  let streams = streamsBySocket.get(socket)
  if (streams === undefined) {
    streams = new SocketStreams(socket, () => streamsBySocket.delete(socket))
    streamsBySocket.set(socket, streams)
  }
  return streams
}

function reasonOf(reason: unknown): string {
  const end = endReason(reason)
  return end === true ? 'disconnected' : end
}
