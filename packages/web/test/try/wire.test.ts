import { describe, expect, test } from 'vitest'
import { encodeMessage, MessageReader, type Message } from '../../src/try/wire.js'

/** Returns a stream of bytes in pieces of a size. */
function readerOf(bytes: Uint8Array, size: number): MessageReader {
  const pieces: Uint8Array<ArrayBuffer>[] = []
  for (let at = 0; at < bytes.length; at += size) pieces.push(Uint8Array.from(bytes.subarray(at, at + size)))
  return new MessageReader(
    new ReadableStream({
      pull: (controller) => {
        const piece = pieces.shift()
        if (piece === undefined) controller.close()
        else controller.enqueue(piece)
      }
    })
  )
}

/** Encodes any text as a message. */
function frame(body: string | Uint8Array): Uint8Array {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  const head = new Uint8Array(4)
  new DataView(head.buffer).setUint32(0, bytes.length)
  return Uint8Array.from([...head, ...bytes])
}

const MESSAGES: readonly Message[] = [
  { type: 'talk', version: 1 },
  { type: 'say', text: 'Ja: «ü» 🌟' },
  { type: 'offer', id: 'a', name: 'file.bin', size: 0 },
  { type: 'answer', id: 'a', accept: false },
  { type: 'stop', id: 'a' },
  { type: 'received', id: 'a' },
  { type: 'file', id: 'a' }
]

describe.each([1, 3, 7, 1_000])('in pieces of %d bytes', (size) => {
  test('messages come as they were sent', async () => {
    const reader = readerOf(Uint8Array.from(MESSAGES.flatMap((message) => [...encodeMessage(message)])), size)
    for (const message of MESSAGES) expect(await reader.next()).toEqual(message)
    expect(await reader.next()).toBeUndefined()
  })

  test('what follows them comes as it is', async () => {
    const rest = Uint8Array.from({ length: 50 }, (_, index) => index)
    const reader = readerOf(Uint8Array.from([...encodeMessage({ type: 'file', id: 'a' }), ...rest]), size)
    await reader.next()
    const came: number[] = []
    for await (const bytes of reader.rest()) came.push(...bytes)
    expect(came).toEqual([...rest])
  })
})

test('a message that ends early is none', async () => {
  const bytes = encodeMessage({ type: 'talk', version: 1 })
  expect(await readerOf(bytes.subarray(0, -1), 5).next()).toBeUndefined()
})

test.each([
  ['no JSON', frame('{"type":')],
  ['no object', frame('null')],
  ['no text', frame(Uint8Array.of(0xff, 0xfe))],
  ['another type', frame('{"type":"toString"}')],
  ['a size below zero', frame('{"type":"offer","id":"a","name":"x","size":-1}')],
  ['a size that is no whole number', frame('{"type":"offer","id":"a","name":"x","size":1.5}')],
  ['a size beyond all numbers', frame('{"type":"offer","id":"a","name":"x","size":1e300}')],
  ['an id that is too long', frame(`{"type":"stop","id":"${'x'.repeat(65)}"}`)],
  ['an answer that is neither', frame('{"type":"answer","id":"a","accept":"yes"}')],
  ['a length beyond all messages', Uint8Array.of(0xff, 0xff, 0xff, 0xff)]
])('%s is refused', async (_, bytes) => {
  await expect(readerOf(bytes, 100).next()).rejects.toThrow(/message/i)
})

test('what is too long is cut', async () => {
  const reader = readerOf(frame(JSON.stringify({ type: 'say', text: 'x'.repeat(20_000) })), 1_000)
  expect(await reader.next()).toMatchObject({ text: 'x'.repeat(8_000) })
})
