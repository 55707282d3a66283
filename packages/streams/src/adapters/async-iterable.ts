import { WriteAfterEndError } from '../errors.js'
import type { Sink } from '../sink.js'
import type { Source } from '../source.js'
import { readableStream } from './web-streams.js'

/** Returns the values of a source, for `for await`. Leaving the loop early aborts the source. */
export async function* valuesOf<T>(source: Source<T>): AsyncGenerator<T, void, undefined> {
  const reader = readableStream(source).getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    if (!source.closed || source.readableLength > 0) source.abort('the reader has left')
  }
}

/**
 * Writes all values at the rate of the receiver, and ends the stream.
 *
 * @returns once everything was sent
 * @throws the error of the stream, or the one that the iterable threw, which also aborts the stream
 */
export async function writeAll<T>(values: AsyncIterable<T> | Iterable<T>, sink: Sink<T>): Promise<void> {
  if (sink.closed) throw sink.error ?? new WriteAfterEndError(sink.id)
  let wake: (() => void) | undefined
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
  // In parallel: if the stream fails, the next value may still take long, or never come.
  await Promise.all([write(), finished])
}
