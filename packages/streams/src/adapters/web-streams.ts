import type { Sink } from '../sink.js'
import type { Source } from '../source.js'

export interface ReadableOptions {
  /** Bytes that wait in the stream itself, counted as in the window. Default 64 KiB. */
  highWaterMark?: number
}

const HIGH_WATER_MARK = 65_536

/** A source as a WHATWG stream. Cancelling it aborts the source; a source that fails makes it fail. */
export function readableStream<T>(
  source: Source<T>,
  { highWaterMark = HIGH_WATER_MARK }: ReadableOptions = {}
): ReadableStream<T> {
  /** Of the value that is put into the stream now. */
  let size = 0
  return new ReadableStream<T>(
    {
      start(controller) {
        const end = (error?: Error): void => {
          if (error === undefined) controller.close()
          else controller.error(error)
        }
        source.onData = (value, bytes) => {
          // What is empty takes room too.
          size = Math.max(1, bytes)
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
    { highWaterMark, size: () => size }
  )
}

/** A sink as a WHATWG stream. Closing it resolves once everything was sent; aborting it aborts the sink. */
export function writableStream<T>(sink: Sink<T>): WritableStream<T> {
  let drained: (() => void) | undefined
  /** The stream fails, and knows it. */
  let isFailing = false
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
          if (!isFailing) controller.error(error)
          closed?.reject(error)
        }
        if (sink.error !== undefined) controller.error(sink.error)
        // `abort` below is called after the write under way, which may wait for a receiver that never reads on.
        const { signal } = controller
        signal.addEventListener('abort', () => {
          isFailing = true
          sink.abort(signal.reason)
        })
      },
      write(value) {
        try {
          if (sink.write(value)) return undefined
        } catch (error) {
          // The stream is no more: the receiver must not wait for the rest.
          isFailing = true
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
    // Waiting is the sink's: a write resolves when more may be written.
    { highWaterMark: 1 }
  )
}
