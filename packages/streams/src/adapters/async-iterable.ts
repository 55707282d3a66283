import { WriteAfterEndError } from '../errors.js'
import type { Sink } from '../sink.js'
import type { Source } from '../source.js'
import { readableStream } from './web-streams.js'

/** The values of a source, for `for await`. Leaving the loop early aborts the source. */
export async function* valuesOf<T>(source: Source<T>): AsyncGenerator<T, void, undefined> {
  const reader = readableStream(source).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    // Does nothing after the end.
    if (!source.closed || source.readableLength > 0) source.abort('the reader has left')
  }
}

/**
 * Writes all values, waiting when the receiver does, and ends the stream.
 *
 * @returns when everything was sent
 * @throws the error the stream failed with, or what the values threw; the receiver is told
 */
export async function writeAll<T>(values: AsyncIterable<T> | Iterable<T>, sink: Sink<T>): Promise<void> {
  if (sink.closed) throw sink.error ?? new WriteAfterEndError(sink.id)
  let wake: (() => void) | undefined
  /** What the values threw. */
  let thrown: { error: unknown } | undefined
  sink.onDrain = () => wake?.()
  const finished = new Promise<void>((resolve, reject) => {
    sink.onFinish = (error) => {
      wake?.()
      if (error === undefined) resolve()
      else reject(thrown === undefined ? error : thrown.error)
    }
  })
  const write = async (): Promise<void> => {
    try {
      for await (const value of values) {
        if (sink.closed) return
        if (!sink.write(value)) await new Promise<void>((resolve) => (wake = resolve))
      }
      sink.end()
    } catch (error) {
      thrown = { error }
      sink.abort(error)
    }
  }
  // Not one after the other: the next value may be long in coming, or never, when the stream has failed already.
  await Promise.all([write(), finished])
}
