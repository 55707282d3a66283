import { randomBytes } from 'node:crypto'
import {
  socketStreams,
  type CodecName,
  type Codec,
  type Sink,
  type SinkOptions,
  type Source,
  type SourceOptions,
  type StreamError,
  type ValueOf
} from '@websocket-star/streams'
import { within } from '@websocket-star/testkit'
import type { TestSocket } from './sockets.js'

/** What was read, and why it ended if it was not complete. */
export interface Read<T> {
  values: T[]
  error: StreamError | undefined
}

/** Reads everything, up to the end. */
export function readAll<T>(source: Source<T>): Promise<Read<T>> {
  const values: T[] = []
  const read = new Promise<Read<T>>((resolve) => {
    if (source.ended) resolve({ values, error: source.error })
    source.onData = (value) => values.push(value)
    source.onEnd = (error) => resolve({ values, error })
    source.resume()
  })
  return within(`the end of ${source.id}`, read)
}

/** Resolves when a sink is done, with why if it failed. */
export function finished(sink: Sink<never> | Sink): Promise<StreamError | undefined> {
  const done = new Promise<StreamError | undefined>((resolve) => {
    if (sink.closed) resolve(sink.error)
    // Not onFinish, which is for who writes.
    sink.onClose = resolve
  })
  return within(`the sink ${sink.id} to finish`, done)
}

/** Resolves when a sink has been accepted. */
export function accepted(sink: Sink<never> | Sink): Promise<void> {
  const ready = new Promise<void>((resolve) => {
    if (sink.accepted) resolve()
    sink.onAccept = resolve
  })
  return within(`the sink ${sink.id} to be accepted`, ready)
}

// oxlint-disable-next-line typescript/no-explicit-any -- any codec, whatever its values are
type AnyCodec = CodecName | Codec<any>

interface Options<C> {
  codec: C
  id?: string
  sink?: SinkOptions
  source?: SourceOptions
}

/** Opens a stream as applications do: the sender tells the id, the receiver makes the source when it hears it. */
export async function openStream<C extends AnyCodec>(from: TestSocket, to: TestSocket, options: Options<C>) {
  const { codec } = options
  const opened = new Promise<Source<ValueOf<C>>>((resolve) => {
    to.once('stream', (id: string) => resolve(socketStreams(to).createSource(id, { ...options.source, codec })))
  })
  const sink = socketStreams(from).createSink(options.id, { ...options.sink, codec })
  from.emit('stream', sink.id)
  return { sink, source: await within('the stream to be opened', opened) }
}

/** Sizes of chunks that meet every border there is, in an order of chance. */
export function randomSizes(): number[] {
  const sizes = [0, 1, 2, 60, 0, 1000, 16_384, 65_535, 65_536, 65_537, 200_000, 0, 300_001, 7]
  return sizes
    .map((size) => ({ size, order: randomBytes(4).readUInt32BE() }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ size }) => size)
}

/** Bytes of chance, in chunks. */
export function randomChunks(sizes = randomSizes()): Buffer[] {
  return sizes.map((size) => randomBytes(size))
}

/** Where two lists of chunks part, or undefined: says more than a dump of megabytes. */
export function differenceOfChunks(received: readonly Uint8Array[], sent: readonly Uint8Array[]): string | undefined {
  if (received.length !== sent.length) return `${received.length} chunks of ${sent.length}`
  const at = sent.findIndex((chunk, index) => Buffer.compare(chunk, received[index] ?? Buffer.alloc(0)) !== 0)
  return at < 0 ? undefined : `chunk ${at} differs: ${received[at]?.length} bytes of ${sent[at]?.length}`
}

/** The code of what a call throws. */
export function codeOf(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return (error as { code?: unknown }).code // of an error of ours, or undefined
  }
}
