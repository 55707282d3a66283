import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import { createServer as createTcpServer, connect, type AddressInfo, type Socket as NetSocket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Server as EngineServer, type Socket } from 'engine.io'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import {
  directSocketOf,
  forgetRequest,
  heartbeatOf,
  idOf,
  mayWriteDirectly,
  missingFields,
  sendFrames,
  detachMessageListener,
  tcpSocketOf,
  webSocketOf,
  writeQueueSize
} from '../../src/transport/engine-internals.js'

// These tests use the installed engine.io and ws, and fail when an update changes the fields that we rely on.
let http: HttpServer
let engine: EngineServer
let url: string
let clients: WebSocket[]

beforeEach(async () => {
  http = createServer()
  engine = new EngineServer({ allowEIO3: true, perMessageDeflate: false })
  engine.attach(http)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  url = `127.0.0.1:${(http.address() as AddressInfo).port}/engine.io/`
  clients = []
})

afterEach(async () => {
  for (const client of clients) client.terminate()
  engine.close()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
})

/** Opens a client. @returns also its socket at the server and the text of the handshake */
async function open(revision: 3 | 4): Promise<{ socket: Socket; client: WebSocket; handshake: string }> {
  const opened = once(engine, 'connection')
  const client = new WebSocket(`ws://${url}?EIO=${revision}&transport=websocket`)
  clients.push(client)
  const [[data]] = await Promise.all([once(client, 'message'), opened])
  const [socket] = (await opened) as [Socket]
  return { socket, client, handshake: String(data) }
}

async function poll(): Promise<Socket> {
  const opened = once(engine, 'connection')
  await fetch(`http://${url}?EIO=4&transport=polling`)
  const [socket] = (await opened) as [Socket]
  return socket
}

describe.each([3, 4] as const)('a WebSocket of revision %s', (revision) => {
  test('has every field of the direct path', async () => {
    const { socket } = await open(revision)
    expect(missingFields(socket)).toEqual([])
    expect(mayWriteDirectly(socket)).toBe(true)
  })

  test('has the id of its handshake', async () => {
    const { socket, handshake } = await open(revision)
    expect(JSON.parse(handshake.slice(1))).toMatchObject({ sid: idOf(socket) })
  })

  test('sends whole frames in one part or two, and reports when they are written', async () => {
    const { socket, client } = await open(revision)
    const [webSocket, net] = [webSocketOf(socket) ?? expect.fail(), directSocketOf(socket) ?? expect.fail()]
    const received: string[] = []
    client.on('message', (data: Buffer) => received.push(String(data)))
    const frame = Buffer.from([0x81, 3, 0x34, 0x68, 0x69])
    await new Promise<void>((taken) => sendFrames(webSocket, [frame], taken))
    net.cork()
    const both = new Promise<void>((taken) => sendFrames(webSocket, [frame.subarray(0, 2), frame.subarray(2)], taken))
    net.uncork()
    await both
    await expect.poll(() => received).toEqual(['4hi', '4hi'])
    expect(writeQueueSize(net)).toBe(0)
  })

  test('has one listener of engine.io, which can be called by another', async () => {
    const { socket, client } = await open(revision)
    const heard: unknown[] = []
    socket.on('message', (data) => heard.push(data))
    const webSocket = webSocketOf(socket) ?? expect.fail()
    const listener = detachMessageListener(webSocket)
    expect(missingFields(socket)).toEqual(['engine.io: one message listener'])
    const seen = new Promise<void>((resolve) =>
      webSocket.once('message', (data: Buffer, isBinary: boolean) => {
        expect([String(data), isBinary]).toEqual(['4hello', false])
        listener(data, isBinary)
        resolve()
      })
    )
    client.send('4hello')
    await seen
    expect(heard).toEqual(['hello'])
  })

  test('has a heartbeat that can be controlled', async () => {
    const { socket, client } = await open(revision)
    const heartbeat = heartbeatOf(socket) ?? expect.fail()
    expect(heartbeat.readyState).toBe('open')
    expect(heartbeat.server.opts.pingInterval).toBe(25_000)
    heartbeat.resetPingTimeout()
    expect(heartbeat.pingTimeoutTimer?.hasRef()).toBe(true)
    const ping = once(client, 'message')
    heartbeat.sendPacket('ping')
    expect(String((await ping)[0])).toBe('2')
  })

  test('works without its first request', async () => {
    const { socket, client } = await open(revision)
    forgetRequest(socket)
    expect(socket.request).toBeUndefined()
    const heard = once(socket, 'message')
    client.send('4hello')
    expect((await heard)[0]).toBe('hello')
  })
})

test('a polling client has no WebSocket and lacks no field', async () => {
  const socket = await poll()
  expect([webSocketOf(socket), directSocketOf(socket)]).toEqual([undefined, undefined])
  expect(missingFields(socket)).toEqual([])
  expect(heartbeatOf(socket)).toBeDefined()
})

test.each([
  ['ws: _sender.sendFrame', '_sender'],
  ['ws: _socket.cork', '_socket']
])('without %s there is no direct path', async (name, field) => {
  const { socket } = await open(4)
  const webSocket = webSocketOf(socket) ?? expect.fail()
  const whole = Reflect.get(webSocket, field) as unknown
  Reflect.set(webSocket, field, {})
  expect(missingFields(socket)).toEqual([name])
  expect(directSocketOf(socket)).toBeUndefined()
  Reflect.set(webSocket, field, whole)
})

test('the TCP socket below a TLS socket is found', async () => {
  const server = createTcpServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[NetSocket]>
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [tcp] = await accepted
  expect(tcpSocketOf(new TLSSocket(tcp, { isServer: true }))).toBe(tcp)
  client.destroy()
  tcp.destroy()
  await new Promise((resolve) => server.close(resolve))
})
