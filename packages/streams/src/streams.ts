import { createDialId, endReason, parseStreamEventName, type StreamEventKind } from '@websocket-star/protocol'
import { Carrier } from './carrier.js'
import { codecOf, type Codec, type CodecName, type NamedCodecs } from './codec.js'
import { StreamIdInUseError } from './errors.js'
import { nextTurn } from './next-turn.js'
import { passOn, type Proxy } from './proxy.js'
import { Sink, type SinkOptions } from './sink.js'
import { tapEvents, type SocketLike } from './socket.js'
import { Source, type SourceOptions } from './source.js'

/** What both sides of a stream must agree on. */
export interface CodecOption<C> {
  /** Default `'plain'`. */
  codec?: C
}

/** A codec of any kind, by name or as an object. */
// oxlint-disable-next-line typescript/no-explicit-any -- any codec, whatever its values are
export type AnyCodec = CodecName | Codec<any>

/** What is written to, and read from, streams of a codec. */
export type ValueOf<C> = C extends CodecName ? NamedCodecs[C] : C extends Codec<infer T> ? T : never

/** The streams of one socket of socket.io: a client's or a server's, of version 2, 3 or 4. */
export class SocketStreams {
  readonly #carrier: Carrier
  readonly #socket: SocketLike
  readonly #untap: () => void
  // oxlint-disable-next-line typescript/no-explicit-any -- of values of any kind
  readonly #sinks = new Map<string, Sink<any>>()
  // oxlint-disable-next-line typescript/no-explicit-any -- of values of any kind
  readonly #sources = new Map<string, Source<any>>()
  /** What came for streams that were not there, or not yet. */
  readonly #early: StreamEvent[] = []
  readonly #onClose: () => void
  #closed = false

  /** Made by {@link socketStreams}. */
  constructor(socket: SocketLike, onClose: () => void) {
    this.#socket = socket
    this.#carrier = new Carrier(socket)
    this.#onClose = onClose
    this.#untap = tapEvents(socket, (name, args) => this.#receive(name, args))
    socket.on('disconnect', this.#onDisconnect)
  }

  /** Whether a stream of that id is open, on either side. */
  has(id: string): boolean {
    return this.#sinks.has(id) || this.#sources.has(id)
  }

  /** Streams open now. */
  get size(): number {
    return this.#sinks.size + this.#sources.size
  }

  /**
   * The sending side of a stream: tell the other side its id, and it makes the source.
   *
   * @param id - default: 128 random bits in hex
   * @throws {StreamIdInUseError}
   */
  createSink<C extends AnyCodec = 'plain'>(
    id: string = createDialId(),
    { codec, ...options }: SinkOptions & CodecOption<C> = {}
  ): Sink<ValueOf<C>> {
    if (this.#sinks.has(id)) throw new StreamIdInUseError(id)
    const sink = new Sink<ValueOf<C>>(id, this.#carrier, codecOf(codec), () => this.#sinks.delete(id), options)
    this.#sinks.set(id, sink)
    if (!this.#carrier.connected) this.#loseSoon(sink)
    return sink
  }

  /**
   * The receiving side of a stream. It must be made in the same turn of the event loop in which its id came: the sender
   * begins as soon as it is accepted, and what nobody takes is lost.
   *
   * @throws {StreamIdInUseError}
   */
  createSource<C extends AnyCodec = 'plain'>(
    id: string,
    { codec, ...options }: SourceOptions & CodecOption<C> = {}
  ): Source<ValueOf<C>> {
    if (this.#sources.has(id)) throw new StreamIdInUseError(id)
    const source = new Source<ValueOf<C>>(id, this.#carrier, codecOf(codec), () => this.#sources.delete(id), options)
    this.#sources.set(id, source)
    if (!this.#carrier.connected) this.#loseSoon(source)
    return source
  }

  /**
   * Passes a stream that this socket sends on to another, whose receiver makes the source.
   *
   * @throws {StreamIdInUseError} if it is in use on either socket
   */
  createProxy(id: string, to: SocketLike | SocketStreams): Proxy {
    if (this.#sources.has(id)) throw new StreamIdInUseError(id)
    const sink = (to instanceof SocketStreams ? to : socketStreams(to)).createSink(id)
    return passOn(this.createSource(id, { deferred: true }), sink)
  }

  /** Ends every stream and hears nothing more of the socket, which stays open. */
  close(reason: unknown = 'closed'): void {
    if (this.#closed) return
    this.#closed = true
    for (const stream of this.#all()) stream.abort(reason)
    this.#carrier.close()
    this.#untap()
    this.#socket.removeListener('disconnect', this.#onDisconnect)
    this.#onClose()
  }

  #all(): Ending[] {
    return [...this.#sinks.values(), ...this.#sources.values()]
  }

  /** @returns whether the event was one of a stream that is open here */
  #receive(name: string, [argument]: readonly unknown[]): boolean {
    const parsed = parseStreamEventName(name)
    if (parsed === undefined) return false
    const event = { ...parsed, argument }
    const isTaken = this.#tell(event)
    if (!isTaken && (event.kind === 'accept' || event.kind === 'error')) this.#tellLater(event)
    return isTaken
  }

  /**
   * A server's socket hands an application its events a little later than they are heard here: what came right behind
   * the event that makes the application open a stream is told again once it has.
   */
  #tellLater(event: StreamEvent): void {
    this.#early.push(event)
    if (this.#early.length > 1) return
    nextTurn(() => {
      for (const event of this.#early.splice(0)) this.#tell(event)
    })
  }

  /** @returns whether there is a stream that it was told to */
  #tell({ kind, stream, argument }: StreamEvent): boolean {
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
        // An id may be used for both directions: its sender's end is meant first.
        if (source !== undefined) source.receiveError(argument)
        else if (sink !== undefined) sink.receiveError(argument)
        return source !== undefined || sink !== undefined
    }
  }

  readonly #onDisconnect = (reason: unknown): void => {
    for (const stream of this.#all()) stream.receiveDisconnect(reasonOf(reason))
  }

  /** What is made while there is no connection fails, once its maker has had time to listen. */
  #loseSoon(stream: Ending): void {
    queueMicrotask(() => {
      if (!this.#carrier.connected) stream.receiveDisconnect('not connected')
    })
  }
}

/** Something that was said of a stream. */
interface StreamEvent {
  kind: StreamEventKind
  stream: string
  argument: unknown
}

/** What is told to streams of either side. */
interface Ending {
  abort(reason?: unknown): void
  receiveDisconnect(reason: string): void
}

const streamsBySocket = new WeakMap<SocketLike, SocketStreams>()

/**
 * The streams of a socket; the same object each time, so that each socket is listened to once.
 *
 * @throws TypeError if it is no socket of socket.io 2, 3 or 4
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
