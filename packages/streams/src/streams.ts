import { createDialId, endReason, parseStreamEventName } from '@websocket-star/protocol'
import { resolveCodec, type Codec, type CodecName, type NamedCodecs } from './codec.js'
import { isOwnError, reasonText, StreamIdInUseError, type StreamError } from './errors.js'
import { queueMacrotask } from './macrotask.js'
import { Sink, type SinkOptions } from './sink.js'
import { SocketWriter } from './socket-writer.js'
import { hasOtherListeners, tapEvents, unsentBytes, type SocketLike } from './socket.js'
import { Source, type SourceOptions } from './source.js'
import { forward, type ProxyOptions, type StreamProxy } from './stream-proxy.js'
import { StrayEvents, type StreamEvent } from './stray-events.js'
import { UndeliveredEvents } from './undelivered-events.js'

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
  readonly #strays: StrayEvents
  readonly #undelivered: UndeliveredEvents
  readonly #onClose: () => void
  #closed = false

  constructor(socket: SocketLike, onClose: () => void) {
    this.#socket = socket
    this.#writer = new SocketWriter(socket)
    this.#onClose = onClose
    this.#strays = new StrayEvents((stream, reason) => this.#answerStray(stream, reason))
    this.#untap = tapEvents(socket, (name, args) => {
      const event = parseEvent(name, args)
      if (event === undefined) return false
      if (event.kind === 'accept' || event.kind === 'error') this.#undelivered.heard(name)
      return this.#receive(name, event)
    })
    this.#undelivered = new UndeliveredEvents(socket, (name, args) => {
      const event = parseEvent(name, args)
      return event !== undefined && this.#dispatch(event)
    })
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
   * Creates the sending side of a stream. Announce its id to the other side, which creates the source. If the other side chose
   * the id, create the sink within a second of its event.
   *
   * @param id - default: 128 random bits in hex
   * @throws {StreamIdInUseError}
   */
  createSink<C extends AnyCodec = 'plain'>(
    id: string = createDialId(),
    { codec, ...options }: SinkOptions & CodecOption<C> = {}
  ): Sink<ValueOf<C>> {
    if (this.#sinks.has(id)) throw new StreamIdInUseError(id)
    const close = (error?: StreamError): void => this.#sinkClosed(sink, error)
    const sink = new Sink<ValueOf<C>>(id, this.#writer, resolveCodec(codec), close, options)
    this.#sinks.set(id, sink)
    this.#undelivered.watch(id)
    this.#dispatchSoon(this.#strays.sinkOpened(id))
    if (!this.#writer.connected) this.#disconnectSoon(sink)
    return sink
  }

  /**
   * Creates the receiving side of a stream, and accepts it unless `deferred` is set. If the sender does not open the stream
   * within a second, the source fails.
   *
   * @throws {StreamIdInUseError}
   */
  createSource<C extends AnyCodec = 'plain'>(
    id: string,
    { codec, ...options }: SourceOptions & CodecOption<C> = {}
  ): Source<ValueOf<C>> {
    if (this.#sources.has(id)) throw new StreamIdInUseError(id)
    const close = (error?: StreamError): void => {
      this.#sources.delete(id)
      if (isOwnError(error)) this.#strays.sourceEnded(id)
    }
    const source = new Source<ValueOf<C>>(id, this.#writer, resolveCodec(codec), close, options)
    this.#sources.set(id, source)
    this.#dispatchSoon(this.#strays.sourceOpened(id))
    if (!this.#writer.connected) this.#disconnectSoon(source)
    return source
  }

  /**
   * Forwards a stream from this socket to another, whose other side creates the source.
   *
   * @throws {StreamIdInUseError} if the id is in use on either socket
   */
  createProxy(
    id: string,
    to: SocketLike | SocketStreams,
    { tolerance, acceptTimeout }: ProxyOptions = {}
  ): StreamProxy {
    if (this.#sources.has(id)) throw new StreamIdInUseError(id)
    const sink = (to instanceof SocketStreams ? to : socketStreams(to)).createSink(id, { acceptTimeout })
    return forward(this.createSource(id, { deferred: true, tolerance }), sink)
  }

  /** Aborts every stream and removes all listeners from the socket, which stays open. */
  close(reason: unknown = 'closed'): void {
    this.#end((stream) => stream.abort(reason))
  }

  /** Closes without telling the other side, for a socket that is disconnected right after. See {@link close}. */
  discard(reason: unknown = 'closed'): void {
    this.#end((stream) => stream.discard(reason))
  }

  #end(endStream: (stream: OpenStream) => void): void {
    if (this.#closed) return
    this.#closed = true
    for (const stream of this.#all()) endStream(stream)
    this.#writer.close()
    this.#untap()
    this.#undelivered.close()
    this.#strays.clear()
    this.#socket.removeListener('disconnect', this.#onDisconnect)
    this.#onClose()
  }

  #all(): OpenStream[] {
    return [...this.#sinks.values(), ...this.#sources.values()]
  }

  #receive(name: string, event: StreamEvent): boolean {
    if (this.#dispatch(event)) return true
    if (event.kind === 'credit') return false // of a sink that has ended
    // If the id is used in the other direction, an answer to a chunk would end that.
    const isAmbiguous = event.kind === 'queue' && this.#sinks.has(event.stream)
    if (!isAmbiguous && !hasOtherListeners(this.#socket, name)) this.#strays.add(event)
    return false
  }

  #answerStray(stream: string, reason: string): void {
    this.#writer.send('error', stream, reason)
  }

  /** Dispatches events in the next task, so that the creator of a stream can set callbacks. */
  #dispatchSoon(events: readonly StreamEvent[]): void {
    if (events.length === 0) return
    queueMacrotask(() => {
      for (const event of events) this.#dispatch(event)
    })
  }

  // oxlint-disable-next-line typescript/no-explicit-any -- of values of any kind
  #sinkClosed({ id, accepted }: Sink<any>, error: StreamError | undefined): void {
    this.#sinks.delete(id)
    if (!accepted && isOwnError(error)) this.#strays.sinkEnded(id, reasonText(error))
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
    this.#strays.clear()
  }

  /** Fails a stream that was created while disconnected, after its creator could set callbacks. */
  #disconnectSoon(stream: OpenStream): void {
    queueMicrotask(() => {
      if (!this.#writer.connected) stream.receiveDisconnect('not connected')
    })
  }
}

interface OpenStream {
  abort(reason?: unknown): void
  discard(reason?: unknown): void
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

function parseEvent(name: string, [argument]: readonly unknown[]): StreamEvent | undefined {
  const parsed = parseStreamEventName(name)
  return parsed === undefined ? undefined : { ...parsed, argument }
}

function reasonOf(reason: unknown): string {
  const end = endReason(reason)
  return end === true ? 'disconnected' : end
}
