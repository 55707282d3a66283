import type { Sink, SinkOptions } from './sink.js'
import type { Source, SourceOptions } from './source.js'

/** `tolerance` is that of the sender's half, `acceptTimeout` that of the receiver's. */
export type ProxyOptions = Pick<SourceOptions, 'tolerance'> & Pick<SinkOptions, 'acceptTimeout'>

/** A stream that is forwarded from one socket to another. */
export interface StreamProxy {
  readonly id: string
  /** Resolves when the stream is over, with the error if it ended early. */
  readonly closed: Promise<Error | undefined>
  /** Ends the stream and sends the reason to both sides. */
  abort(reason?: unknown): void
}

/** Forwards a stream from a deferred source. The sender begins when the receiver accepts, and waits when it waits. */
export function forward(source: Source<unknown>, sink: Sink<unknown>): StreamProxy {
  let firstError: Error | undefined
  const closed = new Promise<Error | undefined>((resolve) => {
    sink.onFinish = (error) => {
      firstError ??= error
      if (firstError !== undefined) source.abort(firstError)
      resolve(firstError)
    }
  })
  const fail = (error: Error): void => {
    firstError ??= error
    sink.abort(error)
  }
  source.onData = (value) => {
    if (sink.closed) return
    try {
      if (!sink.write(value)) source.pause()
    } catch (error) {
      fail(error as Error) // a sink throws StreamErrors only
    }
  }
  source.onEnd = (error) => {
    if (error === undefined) sink.end()
    else fail(error)
  }
  sink.onAccept = () => source.accept()
  sink.onDrain = () => source.resume()
  source.resume()
  return {
    id: sink.id,
    closed,
    abort(reason) {
      sink.abort(reason)
    }
  }
}
