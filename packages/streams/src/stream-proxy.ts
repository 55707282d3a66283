import type { Sink } from './sink.js'
import type { Source } from './source.js'

/** A stream that is forwarded from one socket to another. */
export interface StreamProxy {
  readonly id: string
  /** Resolves when the stream is over, with the error if it ended early. */
  readonly closed: Promise<Error | undefined>
  /** Ends the stream and sends the reason to both sides. */
  abort(reason?: unknown): void
}

/**
 * Forwards a stream. The sender may begin once the receiver has accepted, and waits when the receiver does.
 *
 * @param source - not accepted yet
 */
export function forward(source: Source<unknown>, sink: Sink<unknown>): StreamProxy {
  /** First error, from either side. */
  let cause: Error | undefined
  const closed = new Promise<Error | undefined>((resolve) => {
    sink.onFinish = (error) => {
      cause ??= error
      if (cause !== undefined) source.abort(cause)
      resolve(cause)
    }
  })
  const fail = (error: Error): void => {
    cause ??= error
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
