import type { Sink } from './sink.js'
import type { Source } from './source.js'

/** A stream that is passed on from one socket to another. */
export interface Proxy {
  readonly id: string
  /** Settles when it is over: with nothing, or with why it ended before it was complete. */
  readonly closed: Promise<Error | undefined>
  /** Ends it, and tells both sides why. */
  abort(reason?: unknown): void
}

/**
 * Passes a stream on: its sender may begin once the receiver has accepted, and waits when the receiver does.
 *
 * @param source - not accepted yet
 */
export function passOn(source: Source<unknown>, sink: Sink<unknown>): Proxy {
  /** Why it ended, told by the side that knew first. */
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
      fail(error as Error) // a sink throws its own errors only
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
