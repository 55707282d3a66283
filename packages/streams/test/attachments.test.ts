import { expect, test } from 'vitest'
import { Attachments } from '../src/attachments.js'
import { FakeSocket } from './fake-socket.js'

// Browsers attach in other ways: see test/browsers.
test('Node attaches Buffers of the same memory, and no Blobs', () => {
  const attachments = new Attachments(new FakeSocket())
  const bytes = new Uint8Array([1, 2, 3]).subarray(1)
  const attached = attachments.attach(bytes) as Buffer
  expect(Buffer.isBuffer(attached)).toBe(true)
  expect([attached.buffer, attached.byteOffset, attached.length]).toEqual([bytes.buffer, 1, 2])
  expect(attachments.attach(attached)).toBe(attached)
  expect(attachments.isBlob(new Blob(['a']))).toBe(false)
})
