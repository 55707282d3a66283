import { connect, type Socket } from 'node:net'
import { eventually } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { CommandServer } from '../support/command.js'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar, type RawStar } from '../support/raw-star.js'

/** As a trusted proxy passes on what comes from an address that is no loopback's. */
const OUTSIDE = 'X-Forwarded-For: 203.0.113.9\r\n'
const HANDSHAKE = '/socket.io/?EIO=4&transport=polling'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${OUTSIDE}\r\n`

function open(port: number): Socket {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  onTestFinished(() => void socket.destroy())
  return socket
}

/** A server that hangs up on what was sent resets the connection. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
}

/** Sends a text, and returns the statuses of the answers that come before the server hangs up. */
async function statusesOf({ port }: Pick<RawStar, 'port'>, text: string): Promise<string[]> {
  const socket = open(port)
  const parts: Buffer[] = []
  socket.on('data', (part) => parts.push(part))
  socket.write(text)
  await closed(socket)
  return [
    ...Buffer.concat(parts)
      .toString('latin1')
      .matchAll(/^HTTP\/1\.1 (\d+)/gm)
  ].map(([, status]) => String(status))
}

test.for([
  ['pages', '/'],
  ['metrics', '/metrics'],
  ['what is not there', '/nothing'],
  ['sessions that are not there', `${HANDSHAKE}&sid=nobody`]
] as const)('a pipeline of %s is answered until its address owes too much; then it ends', async ([, path]) => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { workPerIp: 1 } })
  const pair = await wellBehavedPair(star)
  // Four milliseconds at once are 40 requests, and time goes on meanwhile.
  const statuses = await statusesOf(star, get(path).repeat(2_000))
  expect(statuses.length).toBeLessThan(1_000)
  expect(star.server.stats().refused['rate limit']).toBe(1)
  expect(star.server.stats().work['request']).toBeGreaterThan(3.9)
  // Whoever sends one request on a connection is told when to come back.
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => fetch(star.url + path, { headers: { 'x-forwarded-for': '203.0.113.9' } }))
  )
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
  // Others are not concerned.
  expect((await fetch(`${star.url}/health`)).status).toBe(200)
  await pair.check()
})

test('handshakes that are refused for their number cost their address as well', async () => {
  const star = await openStar({ trustProxy: ['loopback'], limits: { workPerIp: 1, sessionsPerIp: 1 } })
  await statusesOf(star, get(HANDSHAKE).repeat(200))
  const { refused } = star.server.stats()
  expect(refused['rate limit']).toBe(1)
  expect(refused['sessions per ip']).toBeGreaterThan(5)
  expect(refused['sessions per ip']).toBeLessThan(150)
})

test('a body of one-byte chunks counts as the memory that it takes', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect({ transport: 'polling', eio: '4' })
  const { sid } = attacker.polling
  const socket = open(star.port)
  socket.write(
    `POST ${HANDSHAKE}&sid=${sid} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n`
  )
  // Far fewer bytes than a message may have.
  socket.write('1\r\nx\r\n'.repeat(100_000))
  const { closed, receivedBytes } = await star.counted('its end', ({ sessions }) => sessions === 2)
  expect(closed).toMatchObject({ 'unfinished messages': 1 })
  expect(receivedBytes).toBe(0)
  await pair.check()
})

test('while few files are left, operators are answered and nobody else comes in; then silent connections end', async () => {
  const limited = ['/bin/sh', '-c', 'ulimit -n 160 && exec "$0" "$@"', process.execPath] as const
  await using server = await CommandServer.start(['--log-level=error', '--log-format=pretty'], {}, limited)
  const silent = Array.from({ length: 130 }, () => open(server.port))
  const busy = { status: 503, retry: '10', connection: 'close' }
  await eventually('new sessions to be refused', async () => {
    const { status, headers } = await fetch(server.url + HANDSHAKE)
    return (
      JSON.stringify({ status, retry: headers.get('retry-after'), connection: headers.get('connection') }) ===
      JSON.stringify(busy)
    )
  })
  for (const path of ['/', '/health', '/ready', '/metrics']) {
    const { status, headers } = await fetch(server.url + path)
    expect({ path, status, connection: headers.get('connection') }).toEqual({ path, status: 200, connection: 'close' })
  }
  await Promise.all(silent.map(closed))
  await eventually('sessions to be let in', async () => (await fetch(server.url + HANDSHAKE)).status === 200)
  expect(await (await fetch(`${server.url}/metrics`)).text()).toMatch(/_refused_total\{reason="no files left"\} [1-9]/)
  expect(server.stderr.items).toEqual([])
})
