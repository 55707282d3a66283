import type { Sink } from '../sink.js'
import type { Source } from '../source.js'

export interface ReadableOptions {
  /** Bytes queued in the WHATWG stream itself, counted as in the window. Default 64 KiB. */
  highWaterMark?: number
}

const HIGH_WATER_MARK = 65_536

/** Returns a source as a WHATWG stream. Cancelling it aborts the source; an error of the source is its error. */
export function readableStream<T>(
  source: Source<T>,
  { highWaterMark = HIGH_WATER_MARK }: ReadableOptions = {}
): ReadableStream<T> {
  let enqueuedSize = 0
  return new ReadableStream<T>(
    {
      start(controller) {
        const end = (error?: Error): void => {
          if (error === undefined) controller.close()
          else controller.error(error)
        }
        source.onData = (value, bytes) => {
          // Even an empty value occupies the queue.
          enqueuedSize = Math.max(1, bytes)
          controller.enqueue(value)
          if ((controller.desiredSize ?? 0) <= 0) source.pause()
        }
        source.onEnd = end
        if (source.ended) end(source.error)
      },
      pull() {
        source.resume()
      },
      cancel(reason) {
        source.abort(reason)
      }
    },
    { highWaterMark, size: () => enqueuedSize }
  )
}

/** Returns a sink as a WHATWG stream. `close` resolves once everything was sent; `abort` aborts the sink. */
export function writableStream<T>(sink: Sink<T>): WritableStream<T> {
  let drained: (() => void) | undefined
  /** The WHATWG stream has the error already. */
  let isErrored = false
  let closed: { resolve: () => void; reject: (error: unknown) => void } | undefined
  return new WritableStream<T>(
    {
      start(controller) {
        sink.onDrain = () => {
          drained?.()
          drained = undefined
        }
        sink.onFinish = (error) => {
          drained?.()
          if (error === undefined) return closed?.resolve()
          if (!isErrored) controller.error(error)
          closed?.reject(error)
        }
        if (sink.error !== undefined) controller.error(sink.error)
        // `abort` below runs only after a pending write, which may wait forever for the receiver.
        const { signal } = controller
        signal.addEventListener('abort', () => {
          isErrored = true
          sink.abort(signal.reason)
        })
      },
      write(value) {
        try {
          if (sink.write(value)) return undefined
        } catch (error) {
          // A failed write errors the WHATWG stream: end the sink, so that the receiver does not wait.
          isErrored = true
          sink.abort(error)
          throw error
        }
        return new Promise<void>((resolve) => (drained = resolve))
      },
      close() {
        return new Promise<void>((resolve, reject) => {
          closed = { resolve, reject }
          sink.end()
          if (sink.closed && sink.error === undefined) resolve()
          else if (sink.closed) reject(sink.error)
        })
      },
      abort(reason) {
        sink.abort(reason)
      }
    },
    // The sink queues: a write resolves when more may be written.
    { highWaterMark: 1 }
  )
}
