import { createHash, randomBytes } from 'node:crypto'
import {
  createStarClient,
  type Connection,
  type StarClient,
  type StarClientOptions,
  type StarEvents
} from '@websocket-star/client'
import { within } from '@websocket-star/testkit'
import { onTestFinished } from 'vitest'
import type { Star } from './star.js'

/** Retries at once, so that tests need not wait. */
const QUICK = { initial: 20, max: 200 }

/** A client that ends with the test; it has not joined. */
export async function openClient(
  servers: Star | string | readonly string[],
  options: Partial<StarClientOptions> = {}
): Promise<StarClient> {
  const urls = typeof servers === 'string' ? [servers] : 'url' in servers ? [servers.url] : servers
  const client = await createStarClient({ servers: urls, backoff: QUICK, ...options })
  onTestFinished(() => client.close())
  return client
}

/** A client that has joined all of its servers. */
export async function joinClient(
  servers: Star | string | readonly string[],
  options: Partial<StarClientOptions> = {}
): Promise<StarClient> {
  const client = await openClient(servers, options)
  await within('a client to join', client.join())
  await untilStatus(client, 'all servers are joined', () => client.servers.every(({ state }) => state === 'joined'))
  return client
}

/** Waits until a client's servers are as they should be; it is looked at with each change. */
export async function untilStatus(client: StarClient, what: string, probe: () => boolean): Promise<void> {
  await untilEvent(client, ['server:status'], what, probe)
}

export async function untilPeers(client: StarClient, what: string, probe: () => boolean): Promise<void> {
  await untilEvent(client, ['peer:joined', 'peer:changed', 'peer:left'], what, probe)
}

async function untilEvent(
  client: StarClient,
  events: readonly (keyof StarEvents)[],
  what: string,
  probe: () => boolean
): Promise<void> {
  if (probe()) return
  const done = new AbortController()
  const seen = new Promise<void>((resolve) => {
    const look = (): void => {
      if (probe()) resolve()
    }
    for (const event of events) client.addEventListener(event, look, { signal: done.signal })
  })
  try {
    await within(what, seen)
  } finally {
    done.abort()
  }
}

/** Sends back what comes, on every connection. */
export function echoing(client: StarClient): void {
  client.handle(({ readable, writable }) => readable.pipeTo(writable))
}

/** The connections that others open, in order. */
export function accepting(client: StarClient): { next(): Promise<Connection> } {
  const arrived: Connection[] = []
  let wake: (() => void) | undefined
  client.handle((connection) => {
    arrived.push(connection)
    wake?.()
  })
  return {
    async next() {
      while (arrived.length === 0) await within('a connection', new Promise<void>((resolve) => (wake = resolve)))
      return arrived.shift() as Connection // there is one
    }
  }
}

/** Two clients of one star and an open connection between them. */
export async function openPair(
  star: Star,
  near: Partial<StarClientOptions> = {},
  far: Partial<StarClientOptions> = {}
): Promise<{ dialer: StarClient; listener: StarClient; near: Connection; far: Connection }> {
  const [dialer, listener] = await Promise.all([joinClient(star, near), joinClient(star, far)])
  const accepted = accepting(listener)
  const connection = await within('a dial', dialer.dial(listener.peerId))
  return { dialer, listener, near: connection, far: await accepted.next() }
}

/** Writes random bytes in pieces of random sizes, as fast as the stream takes them, and ends it. */
export async function writeRandom(
  writable: WritableStream<Uint8Array>,
  bytes: number,
  largest = 200_000
): Promise<string> {
  const hash = createHash('sha256')
  const writer = writable.getWriter()
  for (let left = bytes; left > 0;) {
    const piece = randomBytes(Math.min(left, Math.floor(Math.random() * largest)))
    hash.update(piece)
    left -= piece.length
    await writer.ready
    void writer.write(piece).catch(() => {})
  }
  await within('the end of what was written', writer.close())
  return hash.digest('hex')
}

/** Reads to the end. */
export async function readAll(readable: ReadableStream<Uint8Array>): Promise<{ bytes: number; digest: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  const reading = (async () => {
    for await (const piece of readable) {
      hash.update(piece)
      bytes += piece.length
    }
  })()
  await within('the end of a stream', reading)
  return { bytes, digest: hash.digest('hex') }
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes)
}

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

/** Returns whether both directions of a connection have ended. */
export async function isClosed({ closed }: Connection): Promise<boolean> {
  const isSettled = closed.then(
    () => true,
    () => true
  )
  return await Promise.race([isSettled, new Promise<boolean>((resolve) => setImmediate(resolve, false))])
}

/** Sends a text, ends, and returns what comes back. */
export async function roundTripText({ readable, writable }: Connection, text: string): Promise<string> {
  const writer = writable.getWriter()
  await writer.write(bytesOf(text))
  await writer.close()
  const parts: Uint8Array[] = []
  for await (const part of readable) parts.push(part)
  return textOf(Buffer.concat(parts))
}

/** What a promise rejects with; fails if it does not. */
export async function failure(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await within('a failure', promise)
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}
