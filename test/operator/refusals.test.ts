import { connectRaw } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { CommandServer, runCommand } from '../support/command.js'
import { createIdentity } from '../support/raw-identity.js'

const STAR = '/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'
const APP = 'https://app.example'
const EVIL = 'https://evil.example'

interface Line {
  level: number
  msg: string
  reason?: string
  [detail: string]: unknown
}

const [DEBUG, INFO] = [20, 30]

async function start(...flags: string[]): Promise<CommandServer> {
  const server = await CommandServer.start(['--log-format=json', ...flags])
  onTestFinished(() => server[Symbol.asyncDispose]())
  return server
}

function linesOf({ stderr }: CommandServer): Line[] {
  return stderr.items.map((line) => JSON.parse(line) as Line) // as pino writes it
}

/** Waits for lines about a refusal. */
async function refusals(server: CommandServer, reason: string, count = 1): Promise<Line[]> {
  const found = (): Line[] => linesOf(server).filter((line) => line.reason === reason)
  await server.stderr.until(`${count} lines about "${reason}"`, () => found().length >= count)
  return found()
}

function knock(url: string, origin: string): Promise<Response> {
  return fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { origin } })
}

test('a client that joins under a wrong name is in the log, with what it offered and the option', async () => {
  const server = await start(`--public-address=${STAR}`)
  const raw = await connectRaw(server.url)
  onTestFinished(() => raw.wire.close())
  const identity = await createIdentity()
  const evil = '/dns4/evil.example/tcp/443/wss/p2p-websocket-star'
  await expect(raw.challenge(identity, `${evil}/ipfs/${identity.id}`)).rejects.toThrow('not known by that address')
  const [line] = await refusals(server, 'public address')
  expect(line).toMatchObject({
    level: INFO,
    msg: 'refused: public address',
    ip: '127.0.0.1',
    option: '--public-address',
    offered: evil,
    peer: `${identity.id.slice(0, 4)}…${identity.id.slice(-6)}`,
    answer: expect.stringContaining('This server is not known by that address')
  })
})

test('refusals are logged once a minute for each reason at info', async () => {
  const server = await start('--allowed-origin=https://*.app.example')
  expect((await knock(server.url, 'https://x.app.example')).status).toBe(200)
  for (const origin of [EVIL, APP, 'null']) expect((await knock(server.url, origin)).status).toBe(403)
  await fetch(`${server.url}/socket.io/?EIO=4&transport=polling&j=0`)
  await refusals(server, 'jsonp')
  const lines = linesOf(server).filter(({ reason }) => reason !== undefined)
  expect(lines).toEqual([
    expect.objectContaining({
      level: INFO,
      msg: 'refused: origin',
      ip: '127.0.0.1',
      origin: EVIL,
      offered: 'GET /socket.io/',
      option: '--allowed-origin'
    }),
    expect.objectContaining({ level: INFO, msg: 'refused: jsonp' })
  ])
})

test('debug tells the story of one connection, and each refusal', async () => {
  const server = await start('--log-level=debug', `--allowed-origin=${APP}`)
  for (let count = 0; count < 20; count++) await knock(server.url, EVIL)
  expect((await refusals(server, 'origin', 20)).map(({ level }) => level)).toEqual([
    INFO,
    ...Array.from({ length: 19 }, () => DEBUG)
  ])

  const raw = await connectRaw(server.url, { origin: APP })
  const identity = await createIdentity()
  await raw.join(identity, server.multiaddr)
  raw.wire.close()
  await server.stderr.until('the end', (lines) => lines.some((line) => line.includes('session ended')))
  const story = linesOf(server).filter(({ session }) => session === 1)
  expect(story.map(({ msg }) => msg)).toEqual(['session opened', 'challenge sent', 'joined', 'session ended'])
  expect(story[0]).toMatchObject({ level: DEBUG, ip: '127.0.0.1', transport: 'websocket' })
  expect(story[2]).toMatchObject({
    peer: `${identity.id.slice(0, 4)}…${identity.id.slice(-6)}`,
    address: server.multiaddr
  })
  expect(story[3]).toMatchObject({ reason: 'transport closed' })
})

test('what clients send cannot fill the log', async () => {
  const server = await start('--log-level=debug')
  const raw = await connectRaw(server.url)
  onTestFinished(() => raw.wire.close())
  const identity = await createIdentity()
  await expect(raw.challenge(identity, `/dns4/${'a'.repeat(50_000)}`)).rejects.toThrow('Invalid multiaddr')
  const [line] = await refusals(server, 'address')
  expect(JSON.stringify(line).length).toBeLessThan(1_000)
})

test.each([
  ['app.example', 'write https://app.example'],
  ['https://app.example/chat', 'write https://app.example']
])('an origin that no browser sends is refused at the start: %s', async (origin, spelling) => {
  const { code, stderr } = await runCommand(['--allowed-origin', origin], { HOST: '127.0.0.1', PORT: '0' })
  expect(code).toBe(2)
  expect(stderr).toContain('--allowed-origin')
  expect(stderr).toContain(spelling)
})
