/**
 * Streams over socket.io with backpressure. They speak the socket.io-pull-stream protocol, over a client's or a server's
 * socket of version 2, 3 or 4.
 *
 * @example
 * ```ts
 * import { io } from 'socket.io-client'
 * import { socketStreams, valuesOf } from '@websocket-star/streams'
 *
 * const socket = io('http://localhost:3000')
 * const streams = socketStreams(socket)
 * // The sender announces the id of its stream; create the source before awaiting anything.
 * socket.on('file', async (id: string) => {
 *   for await (const bytes of valuesOf(streams.createSource(id, { codec: 'buffer' }))) console.log(bytes.length)
 * })
 * ```
 *
 * @packageDocumentation
 */

export { socketStreams } from './streams.js'
export type { AnyCodec, CodecOption, SocketStreams, ValueOf } from './streams.js'
export type { SocketLike } from './socket.js'

export { ACCEPT_TIMEOUT, HIGH_WATER_MARK } from './sink.js'
export type { Sink, SinkOptions } from './sink.js'
export type { Source, SourceOptions } from './source.js'
export type { ProxyOptions, StreamProxy } from './stream-proxy.js'
export { WINDOW_INITIAL, WINDOW_MAX } from './window.js'
export type { WindowOptions } from './window.js'
export type { Codec, CodecName, NamedCodecs } from './codec.js'

export { readableStream, writableStream } from './adapters/web-streams.js'
export type { ReadableOptions } from './adapters/web-streams.js'
export { valuesOf, writeAll } from './adapters/async-iterable.js'
export { pullSink, pullSource } from './adapters/pull-stream.js'
export type { PullEnd, PullSink, PullSource } from './adapters/pull-stream.js'

export { InvalidOptionsError, StarError } from '@websocket-star/protocol'
export {
  CodecError,
  ConnectionLostError,
  StreamAbortedError,
  StreamError,
  StreamIdInUseError,
  StreamNotAcceptedError,
  StreamProtocolError,
  StreamResetError,
  StreamStoppedError,
  WriteAfterEndError
} from './errors.js'
