import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ServerUnreachableError } from '@websocket-star/client'
import type { RendezvousOptions } from '@websocket-star/rendezvous'
import { RawPeer } from '@websocket-star/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openStar } from '../support/raw-star.js'
import { openClient, untilStatus } from '../support/star-client.js'

type Transports = ('websocket' | 'polling')[]

const TRANSPORTS: { by: string; transports: Transports }[] = [
  { by: 'WebSocket', transports: ['websocket'] },
  { by: 'polling', transports: ['polling'] },
  { by: 'WebSocket, then polling', transports: ['websocket', 'polling'] },
  { by: 'polling, then WebSocket', transports: ['polling', 'websocket'] }
]

/** The error of the first attempt, as `server:status` tells it. */
async function refusalOf(
  url: string,
  transports: Transports,
  extraHeaders: Record<string, string> = {}
): Promise<ServerUnreachableError> {
  const client = await openClient(url, { transports, socket: { extraHeaders } })
  void client.join().catch(() => {})
  await untilStatus(client, 'the refusal', () => client.servers[0]?.error !== undefined)
  return client.servers[0]?.error as ServerUnreachableError // what is told of a failed attempt
}

describe.each(TRANSPORTS)('a client that connects by $by', ({ transports }) => {
  /** Opens a star that refuses what an address has too much of, also for this machine. */
  const limited = (limits: RendezvousOptions['limits']) => openStar({ trustProxy: ['loopback'], limits: { ...limits } })
  const STRANGER = { 'x-forwarded-for': '203.0.113.9' }

  test('is told by which option its origin can be allowed', async () => {
    const star = await openStar({ allowedOrigins: ['https://app.example'] })
    const error = await refusalOf(star.url, transports, { origin: 'https://other.example' })
    expect(error).toBeInstanceOf(ServerUnreachableError)
    expect(error).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE', status: 403 })
    expect(error.reason).toContain('--allowed-origin https://other.example')
    expect(error.message).toBe(`${star.url} could not be reached: ${error.reason} (403)`)
  })

  test('is told that its address has too many connections', async () => {
    const star = await limited({ sessionsPerIp: 1 })
    await star.join({ forwardedFor: '203.0.113.9' })
    const error = await refusalOf(star.url, transports, STRANGER)
    expect(error).toMatchObject({ reason: 'Too many connections from this address', status: 403 })
  })

  test('is told that its address sends too many requests', async () => {
    const star = await limited({ workPerIp: 1 })
    const peers = Array.from({ length: 30 }, () => new RawPeer(star.url, { forwardedFor: '203.0.113.9' }))
    onTestFinished(() => peers.forEach((peer) => peer.wire.close()))
    await star.counted('a refusal', ({ refused }) => (refused['rate limit'] ?? 0) > 0)
    const error = await refusalOf(star.url, transports, STRANGER)
    expect(error).toMatchObject({ reason: 'Too many requests from this address: slow down', status: 503 })
  })
})

describe.each(TRANSPORTS.slice(0, 2))('a client that connects by $by to something else', ({ transports }) => {
  test.each([
    ['text/html', '<h1>403 Forbidden</h1>', 'Unexpected server response: 403'],
    ['application/json', '{"code":4,"message":"No more of you"}', 'No more of you'],
    ['application/json', 'null', 'Unexpected server response: 403'],
    ['text/plain', `${'x'.repeat(10_000)}\nmore`, 'x'.repeat(256)]
  ])('reads of %s what %s says', async (type, body, reason) => {
    const server = createServer((_, response) => void response.writeHead(403, { 'content-type': type }).end(body))
    server.on('upgrade', (_, socket) => {
      const head = `HTTP/1.1 403 Forbidden\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`
      socket.on('error', () => {})
      socket.end(head + body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo // no pipe
    expect(await refusalOf(`http://127.0.0.1:${port}`, transports)).toMatchObject({ reason, status: 403 })
  })
})
