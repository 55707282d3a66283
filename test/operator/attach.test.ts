import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse
} from 'node:http'
import { createServer as createSecureServer, get as getSecurely } from 'node:https'
import { createSecureServer as createHttp2Server } from 'node:http2'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createRendezvous, type Rendezvous, type RendezvousOptions } from '@websocket-star/rendezvous'
import { within } from '@websocket-star/testkit'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { createCertificates } from '../support/certificates.js'
import { accepting, bytesOf, echoing, failure, joinClient, openClient, roundTripText } from '../support/star-client.js'

/** Applications that answer `/hello`, send back what is posted to `/echo`, and know nothing else. */
const APPLICATIONS: Record<string, () => Promise<Server>> = {
  'plain Node': async () => createServer(answerPlainly),
  Express: async () => {
    const app = express()
    app.get('/hello', (_request, response) => void response.send('hello'))
    app.post('/echo', express.text({ limit: '2mb' }), (request, response) => void response.send(request.body))
    return createServer(app)
  },
  Fastify: async () => {
    const app = fastify({ bodyLimit: 2_000_000 })
    app.get('/hello', () => 'hello')
    app.post('/echo', ({ body }) => body)
    await app.ready()
    return app.server
  },
  Hono: async () => {
    const app = new Hono()
    app.get('/hello', (context) => context.text('hello'))
    app.post('/echo', async (context) => context.text(await context.req.text()))
    return createAdaptorServer({ fetch: app.fetch }) as Server // without options, it is one of node:http
  }
}

function answerPlainly(request: IncomingMessage, response: ServerResponse): void {
  if (request.url === '/hello') response.end('hello')
  else if (request.url === '/echo') request.pipe(response)
  else response.writeHead(404).end('the application knows nothing of it')
}

interface Attached {
  http: Server
  server: Rendezvous
  /** URL of the application. */
  url: string
}

async function listening(http: Server): Promise<string> {
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  onTestFinished(() => {
    http.close()
    http.closeAllConnections()
  })
  const { port } = http.address() as AddressInfo // of TCP
  return `http://127.0.0.1:${port}`
}

async function attach(http: Server, options: RendezvousOptions = {}): Promise<Attached> {
  const server = createRendezvous(options)
  onTestFinished(() => server.stop())
  const url = await listening(http)
  await server.attach(http, { path: '/star' })
  return { http, server, url }
}

const below = { socket: { path: '/star/socket.io/' } }

function handshake(url: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/star/socket.io/?EIO=4&transport=polling`, { headers })
}

/** Opens a connection and keeps what comes. */
function raw(url: string): { socket: Socket; until(isEnough: (text: string) => boolean): Promise<string> } {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  let text = ''
  let look = (): void => {}
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    look()
  })
  const until = async (isEnough: (text: string) => boolean): Promise<string> => {
    const enough = new Promise<void>((resolve) => {
      look = () => {
        if (isEnough(text)) resolve()
      }
      look()
    })
    await within('an answer', enough)
    return text
  }
  return { socket, until }
}

describe.each(Object.entries(APPLICATIONS))('below a path of %s', (_, createApplication) => {
  test.each([
    ['before it listens', true],
    ['while it listens', false]
  ])('attached %s, peers reach each other, and the rest stays the application’s', async (_when, isEarly) => {
    const http = await createApplication()
    await using server = createRendezvous()
    if (isEarly) await server.attach(http, { path: '/star' })
    const url = await listening(http)
    if (!isEarly) await server.attach(http, { path: '/star/' })
    expect(server.address().url).toBe(`${url}/star`)

    const [dialer, listener, polling] = await Promise.all([
      joinClient(url, below),
      joinClient(url, below),
      joinClient(url, { socket: { ...below.socket, transports: ['polling'] } })
    ])
    echoing(listener)
    for (const client of [dialer, polling])
      expect(await roundTripText(await client.dial(listener.peerId), 'to and fro')).toBe('to and fro')

    expect(await textAt(`${url}/star/health`)).toEqual([200, '{"status":"ok"}\n'])
    expect(await textAt(`${url}/star`)).toEqual([200, expect.stringContaining('<!doctype html>')])
    expect(await textAt(`${url}/hello`)).toEqual([200, 'hello'])
    for (const path of ['/', '/health', '/starlet', '/socket.io/?EIO=4&transport=polling'])
      expect(await textAt(url + path)).toEqual([404, expect.not.stringContaining('Clients connect')])
    const body = 'x'.repeat(1_000_000)
    const [status, echoed] = await textAt(`${url}/echo`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'text/plain' }
    })
    expect([status, echoed === body]).toEqual([200, true])
  })

  test('after stop, the HTTP server serves the application only, on the same connections too', async () => {
    const { http, server, url } = await attach(await createApplication())
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    onTestFinished(() => agent.destroy())
    const client = await joinClient(url, below)
    expect((await get(`${url}/star/health`, agent)).status).toBe(200)
    expect(server.stats()).toMatchObject({ peers: 1, connections: 2 })
    const left = new Promise((resolve) => client.addEventListener('server:status', resolve, { once: true }))
    await server.stop()
    await within('the client to notice', left)
    expect(http.listening).toBe(true)
    const [gone, hello] = [await get(`${url}/star/health`, agent), await get(`${url}/hello`, agent)]
    expect([gone.status, hello.status, hello.isReused]).toEqual([404, 200, true])
    expect(server.address.bind(server)).toThrow(expect.objectContaining({ code: 'ERR_NOT_LISTENING' }))

    await server.attach(http, { path: '/star' })
    expect((await get(`${url}/star/health`, agent)).status).toBe(200)
  })
})

describe('attached', () => {
  test('sessions of an address are limited', async () => {
    const { server, url } = await attach(createServer(answerPlainly), {
      limits: { sessionsPerIp: 1 },
      trustProxy: ['loopback']
    })
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    expect((await handshake(url, headers)).status).toBe(200)
    expect((await handshake(url, headers)).status).toBe(403)
    expect((await handshake(url, { 'x-forwarded-for': '203.0.113.8' })).status).toBe(200)
    expect(server.stats().refused).toEqual({ 'sessions per ip': 1 })
  })

  test('pages of other origins and unknown hosts are refused, but not by the application', async () => {
    const { server, url } = await attach(createServer(answerPlainly), { allowedOrigins: ['self'] })
    const foreign = { origin: 'https://evil.example' }
    expect((await handshake(url, foreign)).status).toBe(403)
    expect((await fetch(`${url}/hello`, { headers: foreign })).status).toBe(200)
    const named = await get(`${url}/star/`, undefined, { host: 'evil.example' })
    const hello = await get(`${url}/hello`, undefined, { host: 'evil.example' })
    expect([named.status, hello.status]).toEqual([421, 200])
    expect(server.stats().refused).toEqual({ origin: 1, host: 1 })
  })

  test('a drain lets streams finish, while the application serves', async () => {
    const { http, server, url } = await attach(createServer(answerPlainly))
    const [dialer, listener] = await Promise.all([joinClient(url, below), joinClient(url, below)])
    const accepted = accepting(listener)
    const { writable } = await dialer.dial(listener.peerId)
    const { readable, writable: back } = await accepted.next()
    const drained = server.drain({ timeout: 60_000 })
    expect(await textAt(`${url}/star/ready`)).toEqual([503, '{"status":"draining"}\n'])
    expect((await handshake(url)).status).toBe(503)
    expect(await textAt(`${url}/hello`)).toEqual([200, 'hello'])
    const writer = writable.getWriter()
    await writer.write(bytesOf('last words'))
    await Promise.all([writer.close(), back.close()])
    expect(await new Response(readable as never).text()).toBe('last words')
    await within('the drain', drained)
    expect([http.listening, (await fetch(`${url}/star/ready`)).status]).toEqual([true, 404])
  })

  test('WebSockets of the application go on, and requests that offer another protocol get their answers', async () => {
    const { http, url } = await attach(createServer(answerPlainly))
    const offer = 'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n'
    const client = raw(url)
    client.socket.write(`POST /echo HTTP/1.1\r\n${offer}Content-Length: 10\r\n\r\n12345`)
    client.socket.write('67890GET /hello HTTP/1.1\r\nHost: x\r\n\r\n')
    const text = await client.until((answers) => answers.includes('hello'))
    expect(text.match(/HTTP\/1.1 200/g)).toHaveLength(2)
    expect(text).toContain('1234567890')

    const webSockets = new WebSocketServer({ server: http, path: '/chat' })
    onTestFinished(() => webSockets.close())
    webSockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data)))
    const chat = new WebSocket(`${url}/chat`)
    await once(chat, 'open')
    chat.send('own words')
    const [data] = await once(chat, 'message')
    expect(String(data)).toBe('own words')
    chat.terminate()
    await joinClient(url, { socket: { ...below.socket, transports: ['websocket'] } })
  })

  test('pipelined requests of both are answered in order, also those after a stop', async () => {
    const http = createServer(answerPlainly)
    const { server, url } = await attach(http)
    const client = raw(url)
    const pair = 'GET /star/health HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n'
    client.socket.write(pair.repeat(50))
    await client.until((text) => text.split('hello').length === 51)
    client.socket.write(pair.repeat(50))
    const text = await client.until((answers) => answers.split('hello').length === 101)
    expect(text.match(/ok"|hello/g)?.join('')).toBe('ok"hello'.repeat(100))
    http.once('request', () => void server.stop())
    client.socket.write(pair.repeat(50))
    await client.until((answers) => answers.split('hello').length === 151)
  })

  test('two servers share an HTTP server, and each leaves alone', async () => {
    const { http, server, url } = await attach(createServer(answerPlainly))
    await using other = createRendezvous()
    await using third = createRendezvous()
    await other.attach(http, { path: '/star/other' })
    expect(await failure(third.attach(http, { path: '/star' }))).toMatchObject({
      code: 'ERR_INVALID_OPTIONS',
      message: expect.stringContaining('/star')
    })
    await joinClient(url, { socket: { path: '/star/other/socket.io/' } })
    expect([server.stats().peers, other.stats().peers]).toEqual([0, 1])
    await server.stop()
    expect((await fetch(`${url}/star/health`)).status).toBe(404)
    expect((await fetch(`${url}/star/other/health`)).status).toBe(200)
  })

  test('HTTPS of the application is that of the server, which requires it of no other page', async () => {
    await using certificates = await createCertificates('', ['star.example.com'])
    const [key, cert] = await Promise.all([readFile(certificates.key), readFile(certificates.cert)])
    const { server, url } = await attach(createSecureServer({ key, cert }, answerPlainly))
    const secure = url.replace('http:', 'https:')
    expect(server.address()).toMatchObject({ url: `${secure}/star`, multiaddr: expect.stringContaining('/wss/') })
    const client = await openClient(secure, { socket: { ...below.socket, ca: certificates.authority } as object })
    await within('a client to join', client.join())
    expect(server.stats().peers).toBe(1)
    const request = getSecurely(`${secure}/star/`, {
      ca: certificates.authority,
      headers: { host: 'star.example.com' }
    })
    const [response] = await once(request, 'response')
    response.resume()
    expect([response.statusCode, response.headers['strict-transport-security']]).toEqual([200, undefined])
  })

  test.each(['', '/', 'star', '/a//b', '/star?x'])('the path %j is refused', async (path) => {
    await using server = createRendezvous()
    expect(await failure(server.attach(createServer(), { path }))).toMatchObject({ code: 'ERR_INVALID_OPTIONS' })
  })

  test('a server of HTTP/2 and a certificate of its own are refused', async () => {
    await using certificates = await createCertificates()
    await using server = createRendezvous()
    const http2 = createHttp2Server({ allowHTTP1: true }) as unknown as Server // the mistake that is made here
    expect(await failure(server.attach(http2, { path: '/star' }))).toMatchObject({
      message: expect.stringContaining('HTTP/2')
    })
    await using secure = createRendezvous({ key: certificates.key, cert: certificates.cert })
    expect(await failure(secure.attach(createServer(), { path: '/star' }))).toMatchObject({
      message: expect.stringContaining('leave out')
    })
  })
})

async function textAt(url: string, init: RequestInit = {}): Promise<[number, string]> {
  const response = await fetch(url, init)
  return [response.status, await response.text()]
}

async function get(
  url: string,
  agent?: Agent,
  headers: Record<string, string> = {}
): Promise<{ status: number | undefined; isReused: boolean }> {
  const request = httpRequest(url, { headers, ...(agent === undefined ? {} : { agent }) }).end()
  const [response] = await once(request, 'response')
  response.resume()
  await once(response, 'end')
  return { status: response.statusCode, isReused: request.reusedSocket }
}
