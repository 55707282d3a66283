import { createRequire } from 'node:module'
import { randomBytes } from 'node:crypto'
import { within } from '@websocket-star/testkit'
import type { End, PullStream, Sink, Source } from './legacy-types.js'

const require = createRequire(import.meta.url)

export const pull: PullStream = require('pull-stream')

export interface Duplex {
  readonly source: Source<Buffer>
  readonly sink: Sink<Buffer>
}

export interface Received {
  readonly chunks: Buffer[]
  /** `true`: it ended as it should. */
  readonly end: End
}

/** Chunk sizes as muxers write them, headers and all, up to the largest that js-ipfs was seen to send. */
const muxerSizes = [1, 9, 1_024, 65_536, 131_072, 262_144]

/** Random bytes in chunks whose sizes take turns. */
export function randomChunks(bytes: number, sizes: readonly number[] = muxerSizes): Buffer[] {
  const whole = randomBytes(bytes)
  const chunks: Buffer[] = []
  for (let start = 0; start < bytes;) {
    const size = sizes[chunks.length % sizes.length] ?? bytes
    chunks.push(whole.subarray(start, start + size))
    start += size
  }
  return chunks
}

/** One chunk per turn of the event loop, as an application writes. */
export function paced(chunks: readonly Buffer[]): Source<Buffer> {
  return pull(
    pull.values(chunks),
    pull.asyncMap((chunk, callback) => setImmediate(callback, null, chunk))
  )
}

/** Everything up to the end. */
export function receive(source: Source<Buffer>, what = 'the end of a stream'): Promise<Received> {
  const received = new Promise<Received>((resolve) => {
    pull(
      source,
      pull.collect<Buffer>((end, chunks) => resolve({ chunks, end: end ?? true }))
    )
  })
  return within(what, received)
}

/** Sends back what comes. */
export function echo({ source, sink }: Duplex): void {
  pull(source, sink)
}

/** How a transfer went that went well. */
export const intact = { end: true, difference: undefined }

/** Sends chunks into one end and compares with what comes out of the other, which may be the same: see `echo`. */
export async function transfer(
  chunks: readonly Buffer[],
  from: Pick<Duplex, 'sink'>,
  to: Pick<Duplex, 'source'>
): Promise<{ end: End; difference: string | undefined }> {
  pull(paced(chunks), from.sink)
  const received = await receive(to.source)
  return { end: received.end, difference: differenceOfBytes(received.chunks, chunks) }
}

/** Sends chunks to an `echo` and compares with what comes back. */
export function roundTrip(chunks: readonly Buffer[], duplex: Duplex): ReturnType<typeof transfer> {
  return transfer(chunks, duplex, duplex)
}

/** Where two runs of bytes part, or undefined if they never do. Says more than a dump of megabytes. */
export function differenceOfBytes(received: readonly Uint8Array[], sent: readonly Uint8Array[]): string | undefined {
  const [there, here] = [Buffer.concat(received), Buffer.concat(sent)]
  if (there.equals(here)) return undefined
  const offset = here.findIndex((byte, index) => there[index] !== byte)
  return `${there.length} bytes of ${here.length}, the first wrong one at ${offset < 0 ? here.length : offset}`
}
