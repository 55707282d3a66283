import { readableStream, socketStreams, valuesOf } from '@websocket-star/streams'
import { io, type Socket } from 'socket.io-client'
import parser from 'socket.io-msgpack-parser'

type Parser = 'default' | 'msgpack'

/** Where bytes were in a value, and which type they have here. */
function described(value: unknown): unknown {
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${new Uint8Array(value).join(' ')}`
  if (value instanceof Uint8Array) return `Uint8Array ${value.join(' ')}`
  if (Array.isArray(value)) return value.map(described)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, described(item)]))
}

async function connected(url: string, name: Parser): Promise<Socket> {
  const socket = io(url, { ...(name === 'msgpack' ? { parser } : {}), forceNew: true, reconnection: false })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('connect_error', reject)
  })
  return socket
}

/** Reads a text that the server aborts. @returns the error of the browser, and the reason that the source has */
async function readText(url: string): Promise<unknown> {
  const socket = await connected(url, 'default')
  socket.emit('text', 'id')
  const source = socketStreams(socket).createSource('id', { codec: 'buffer' })
  const failure = await new Response(readableStream(source) as ReadableStream<Uint8Array<ArrayBuffer>>)
    .text()
    .catch((error: unknown) => (error as Error).name) // browsers reject with errors
  const error = await source.whenClosed
  socket.disconnect()
  return { failure, code: error?.code, message: error?.message }
}

/** Sends values and gets them back. @returns what came, or the code and the text of the error that `write` threw */
async function exchange(url: string, name: Parser, kind: 'bytes' | 'files'): Promise<unknown> {
  const socket = await connected(url, name)
  try {
    const streams = socketStreams(socket)
    const back = new Promise<string>((resolve) => socket.once('back', resolve))
    const sink = streams.createSink()
    socket.emit('there', sink.id)
    const part = new Uint8Array([1, 2, 3]).subarray(1)
    const bytes = [
      part,
      { nested: part, list: [new Float32Array([1])] },
      { buffer: part.slice().buffer, text: 'hällo' }
    ]
    const files = [new Blob(['ab']), { file: new File(['cd'], 'a.txt') }]
    for (const value of kind === 'bytes' ? bytes : files) sink.write(value)
    sink.end()
    const received: unknown[] = []
    for await (const value of valuesOf(streams.createSource(await back))) received.push(described(value))
    return received
  } catch (error) {
    return { code: (error as { code?: unknown }).code, message: String(error) }
  } finally {
    socket.disconnect()
  }
}

Object.assign(globalThis, { exchange, readText })
