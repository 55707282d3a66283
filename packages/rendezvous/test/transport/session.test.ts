import { once } from 'node:events'
import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server as EngineServer, type Socket } from 'engine.io'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { BacklogWatch } from '../../src/transport/backlog.js'
import { Cork } from '../../src/transport/cork.js'
import { Session } from '../../src/transport/session.js'
import { SYNCHRONOUS_QUEUE, budgetWith } from '../support/budget.js'
import { FlowScene } from '../support/flow.js'

const BACKLOG = { stallTimeout: 30_000, sessionCeiling: 8_388_608, maxBufferedBytes: 1e9 }
/** Milliseconds in which a client must show that it is online; enough for a busy machine to process a pong. */
const TIMEOUT = 1_000

let http: HttpServer
let engine: EngineServer
let client: WebSocket
let ended: string[]

beforeEach(async () => {
  http = createServer()
  engine = new EngineServer({ perMessageDeflate: false })
  engine.attach(http)
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  ended = []
})

afterEach(async () => {
  client.terminate()
  engine.close()
  http.closeAllConnections()
  await new Promise((resolve) => http.close(resolve))
})

async function open(autoPong: boolean): Promise<Session> {
  const { port } = http.address() as AddressInfo
  const opened = once(engine, 'connection')
  client = new WebSocket(`ws://127.0.0.1:${port}/engine.io/?EIO=4&transport=websocket`, { autoPong })
  const [[socket]] = (await Promise.all([opened, once(client, 'open')])) as [[Socket], unknown]
  const { counters, flow } = new FlowScene()
  const remote = { ip: '192.0.2.1', exempt: false, scope: 'global' as const }
  return new Session(socket, remote, budgetWith().open(remote), undefined, {
    cork: new Cork(0),
    flow,
    backlog: new BacklogWatch(BACKLOG, SYNCHRONOUS_QUEUE, () => performance.now()),
    counters,
    onEnd: (_session, reason) => void ended.push(reason),
    onFault: (error) => expect.fail(String(error))
  })
}

describe('the probe of a session', () => {
  test('succeeds when the client answers a ping', async () => {
    expect(await (await open(true)).probe(TIMEOUT)).toBe(true)
  })

  test('fails when no answer arrives in time', async () => {
    expect(await (await open(false)).probe(TIMEOUT)).toBe(false)
  })

  test('succeeds during a pause, when answers are not read', async () => {
    const session = await open(false)
    session.pause()
    expect(await session.probe(TIMEOUT)).toBe(true)
  })

  test('succeeds if a pause begins before the answer is read', async () => {
    const session = await open(true)
    const answer = session.probe(TIMEOUT)
    session.pause()
    expect(await answer).toBe(true)
  })

  test('fails after the end of the session', async () => {
    const session = await open(true)
    client.terminate()
    await expect.poll(() => ended).toEqual(['transport closed'])
    expect(await session.probe(TIMEOUT)).toBe(false)
  })
})
