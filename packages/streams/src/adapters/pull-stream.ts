/**
 * Pull-streams over socket.io, with the API of `socket.io-pull-stream`. Replace `require('socket.io-pull-stream')` by
 * `import sp from '@websocket-star/streams/pull-stream'`.
 *
 * @packageDocumentation
 */
import { resolveCodec, type Codec, type CodecName } from '../codec.js'
import type { Sink } from '../sink.js'
import type { SocketLike } from '../socket.js'
import type { Source } from '../source.js'
import type { ProxyOptions, StreamProxy } from '../stream-proxy.js'
import { socketStreams } from '../streams.js'

/** null: continue; true: the regular end; an error or a text: the reason of a failure. */
export type PullEnd = null | true | Error | string
export type PullSource<T = unknown> = (abort: PullEnd, read: (end: PullEnd, value?: T) => void) => void
export type PullSink<T = unknown> = (source: PullSource<T>) => void

export interface PullOptions {
  /** Default `'plain'`. */
  codec?: CodecName | Codec<unknown>
}

export interface PullStreams {
  createSink(id?: string | null, options?: PullOptions): PullSink & { id: string }
  createSource(id: string, options?: PullOptions): PullSource & { id: string }
  createProxy(id: string, to: SocketLike, options?: ProxyOptions): StreamProxy
}

/**
 * Adds `createSink`, `createSource` and `createProxy` to a socket. As in `socket.io-pull-stream`, a codec in `defaults`
 * overrides the options of every stream: both sides must choose the same.
 */
function attach<S extends SocketLike>(socket: S, defaults: PullOptions = {}): S & PullStreams {
  if ('createSink' in socket) return socket as S & PullStreams // attached before
  const streams = socketStreams(socket)
  const methods: PullStreams = {
    createSink(id, options) {
      const sink = streams.createSink(id ?? undefined, { codec: codecIn(options, defaults) })
      return Object.assign(pullSink(sink), { id: sink.id })
    },
    createSource(id, options) {
      const source = streams.createSource(id, { codec: codecIn(options, defaults) })
      return Object.assign(pullSource(source), { id })
    },
    createProxy: (id, to, options) => streams.createProxy(id, to, options)
  }
  return Object.assign(socket, methods)
}

/** Returns a sink as a pull-stream sink. */
export function pullSink<T>(sink: Sink<T>): PullSink<T> {
  return (source) => {
    let over: PullEnd = null
    const stop = (end: PullEnd): void => {
      over = end
      // Even while a read is pending: the source may never answer it.
      source(end, () => {})
    }
    sink.onFinish = (error) => {
      if (over === null) stop(error ?? true)
    }
    sink.onDrain = () => pull()
    // A loop, since a source that answers synchronously would overflow the stack by recursion.
    const pull = (): void => {
      let again = true
      // oxlint-disable-next-line no-unmodified-loop-condition -- modified by callbacks of the source
      while (again && over === null) {
        again = false
        let answered = false
        let waited = false
        source(null, (end, value) => {
          if (over !== null) return
          if (isEnd(end)) return finish(end)
          answered = write(value as T) // a value comes with null
          if (waited && answered) pull()
          else again = answered
        })
        waited = true
      }
    }
    const finish = (end: Exclude<PullEnd, null>): void => {
      over = end
      if (end === true) sink.end()
      else sink.abort(end)
    }
    const write = (value: T): boolean => {
      try {
        return sink.write(value)
      } catch (error) {
        sink.abort(error)
        return false
      }
    }
    if (sink.closed) stop(sink.error ?? true)
    else pull()
  }
}

/** Returns a source as a pull-stream source. */
export function pullSource<T>(source: Source<T>): PullSource<T> {
  let waiting: ((end: PullEnd, value?: T) => void) | undefined
  let ended: PullEnd = source.ended ? (source.error ?? true) : null
  const answer = (end: PullEnd, value?: T): void => {
    const read = waiting
    waiting = undefined
    read?.(end, value)
  }
  source.onData = (value) => {
    source.pause()
    answer(null, value)
  }
  source.onEnd = (error) => {
    ended ??= error ?? true
    answer(ended)
  }
  return (abort, read) => {
    if (isEnd(abort)) {
      ended = abort
      // This answers a pending read first.
      source.abort(abort === true ? 'the reader has left' : abort)
      return read(abort)
    }
    if (ended !== null) return read(ended)
    waiting = read
    source.resume()
  }
}

/** Returns whether a stream has ended. Some pull-streams pass undefined or false instead of null, and a text for an error. */
function isEnd(end: PullEnd): end is Exclude<PullEnd, null> {
  return Boolean(end)
}

function codecIn(options: PullOptions | undefined, defaults: PullOptions): Codec<unknown> {
  return resolveCodec(defaults.codec ?? options?.codec)
}

export default attach
export { attach as 'module.exports' }
