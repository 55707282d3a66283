import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { EncodedTexts } from '../../src/codec/encoded.js'
import { FrameWriter } from '../../src/transport/frame-writer.js'

let http: Server
let client: WebSocket
let webSocket: WebSocket
let net: Socket
let writer: FrameWriter
let received: string[]

beforeEach(async () => {
  http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new WebSocketServer({ server: http })
  const accepted = once(server, 'connection')
  client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
  received = []
  client.on('message', (data: Buffer) => received.push(data.toString()))
  client.on('pong', (data) => received.push(`pong ${data.toString()}`))
  const [socket, request] = (await accepted) as [WebSocket, { socket: Socket }]
  webSocket = socket
  net = request.socket
  writer = new FrameWriter(webSocket, net)
  await once(client, 'open')
})

afterEach(() => {
  client.terminate()
  http.closeAllConnections()
  http.close()
  vi.restoreAllMocks()
})

/** Fills the buffers of the kernel and of the socket, so that the client counts as slow. */
async function makeSlow(): Promise<number> {
  client.pause()
  const large = 'x'.repeat(60_000)
  let count = 0
  for (; net.writableLength <= 200_000; count++) {
    writer.writeText(large, undefined)
    await new Promise((resolve) => setImmediate(resolve))
  }
  writer.checkSlow()
  return count
}

test('frames for a slow client are merged, count as buffered, and arrive whole and in order', async () => {
  const large = await makeSlow()
  const before = writer.buffered
  const queued = vi.spyOn(net, 'write')
  const texts = Array.from({ length: 20_000 }, (_, index) => String(index))
  for (const [index, text] of texts.entries()) {
    if (index % 3 === 0) writer.writeText(text, undefined)
    else writer.write(new EncodedTexts([text]).frames, undefined)
  }
  writer.pong(Buffer.from('last'))
  // Each text has two bytes of header and engine.io's 4.
  expect(writer.buffered - before).toBe(texts.reduce((sum, text) => sum + text.length + 3, 0) + 6)
  expect(queued.mock.calls.length).toBeLessThan(20)
  client.resume()
  await expect.poll(() => received.length).toBe(large + texts.length + 1)
  expect(received.slice(large)).toEqual([...texts.map((text) => `4${text}`), 'pong last'])
  expect(writer.buffered).toBe(0)
})

test('large frames are not merged, and stay in order', async () => {
  const large = await makeSlow()
  writer.writeText('small', undefined)
  writer.writeText('y'.repeat(10_000), undefined)
  writer.writeText('after', undefined)
  client.resume()
  await expect.poll(() => received.length).toBe(large + 3)
  expect(received.slice(large)).toEqual(['4small', `4${'y'.repeat(10_000)}`, '4after'])
})

test('merged frames are sent before the connection closes', async () => {
  const large = await makeSlow()
  writer.writeText('goodbye', undefined)
  writer.flush()
  webSocket.close(1001)
  client.resume()
  await once(client, 'close')
  expect(received.slice(large)).toEqual(['4goodbye'])
})
