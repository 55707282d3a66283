/**
 * The interface of `socket.io-pull-stream`: pull-streams over socket.io. Where there was
 * `const sp = require('socket.io-pull-stream')` there is now `import sp from '@websocket-star/streams/pull-stream'`.
 *
 * @packageDocumentation
 */
import { codecOf, type Codec, type CodecName } from '../codec.js'
import type { Proxy } from '../proxy.js'
import type { Sink } from '../sink.js'
import type { SocketLike } from '../socket.js'
import type { Source } from '../source.js'
import { socketStreams } from '../streams.js'

/** null goes on, true is the end, an error or a text says what went wrong. */
export type End = null | true | Error | string
export type PullSource<T = unknown> = (abort: End, read: (end: End, value?: T) => void) => void
export type PullSink<T = unknown> = (source: PullSource<T>) => void

export interface PullOptions {
  /** Default `'plain'`. */
  codec?: CodecName | Codec<unknown>
}

/** What {@link attach} adds to a socket. */
export interface PullStreams {
  createSink(id?: string | null, options?: PullOptions): PullSink & { id: string }
  createSource(id: string, options?: PullOptions): PullSource & { id: string }
  createProxy(id: string, to: SocketLike): Proxy
}

/**
 * Adds `createSink`, `createSource` and `createProxy` to a socket. A codec in `defaults` is that of every stream, whatever
 * its own options say, as it was in the old module: both sides must come to the same.
 */
function attach<S extends SocketLike>(socket: S, defaults: PullOptions = {}): S & PullStreams {
  if ('createSink' in socket) return socket as S & PullStreams // added before
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
    createProxy: (id, to) => streams.createProxy(id, to)
  }
  return Object.assign(socket, methods)
}

/** A sink as a pull-stream's. */
export function pullSink<T>(sink: Sink<T>): PullSink<T> {
  return (source) => {
    let over: End = null
    const stop = (end: End): void => {
      over = end
      // Also while it is read from: it may never answer.
      source(end, () => {})
    }
    sink.onFinish = (error) => {
      if (over === null) stop(error ?? true)
    }
    sink.onDrain = () => pull()
    // A source may answer at once, time and again: a loop, for recursion would fill the stack.
    const pull = (): void => {
      let again = true
      // oxlint-disable-next-line no-unmodified-loop-condition -- by what the source calls
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
    const finish = (end: Exclude<End, null>): void => {
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

/** A source as a pull-stream's. */
export function pullSource<T>(source: Source<T>): PullSource<T> {
  let waiting: ((end: End, value?: T) => void) | undefined
  let ended: End = source.ended ? (source.error ?? true) : null
  const answer = (end: End, value?: T): void => {
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
      // A read that is under way is answered first.
      source.abort(abort === true ? 'the reader has left' : abort)
      return read(abort)
    }
    if (ended !== null) return read(ended)
    waiting = read
    source.resume()
  }
}

/** Some streams say undefined or false where others say null, and a text where others say an error. */
function isEnd(end: End): end is Exclude<End, null> {
  return Boolean(end)
}

function codecIn(options: PullOptions | undefined, defaults: PullOptions): Codec<unknown> {
  return codecOf(defaults.codec ?? options?.codec)
}

export default attach
export { attach as 'module.exports' }
