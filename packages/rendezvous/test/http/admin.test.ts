import { eventually } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import type { Budget } from '../../src/budget/budget.js'
import { Admin } from '../../src/http/admin.js'
import type { ListedAddresses, ListedPeers } from '../../src/http/status-messages.js'
import { Registry } from '../../src/registry/registry.js'
import { FlowControl } from '../../src/relay/flow-control.js'
import { Router } from '../../src/relay/router.js'
import { Counters } from '../../src/stats.js'
import { budgetWith } from '../support/budget.js'
import { serve, type Answer } from './requests.js'

const TOKEN = 'correct horse battery'
const ROUTER = { streamsPerSession: 4, acceptTimeout: 60_000 }
const FLOW = { highWaterMark: 1_000, sessionCeiling: 4_000, pauseTimeout: 30_000 }

interface Setting {
  budget: Budget
  warnings: unknown[][]
  infos: unknown[][]
  counters: Counters
  drained: () => number
  /** Asks with the token, unless another authorization is given; null is none. */
  ask: (
    method: string,
    path: string,
    options?: { authorization?: string | null; token?: string; json?: string }
  ) => Promise<Answer>
}

async function start({ delay = 1 } = {}): Promise<Setting> {
  const warnings: unknown[][] = []
  const infos: unknown[][] = []
  const counters = new Counters()
  const budget = budgetWith()
  let drained = 0
  const admin = new Admin({
    token: TOKEN,
    registry: new Registry(),
    router: new Router(ROUTER, new FlowControl(FLOW, counters, Date.now), counters),
    budget,
    counters,
    logger: {
      info: (...words: unknown[]) => void infos.push(words),
      warn: (...words: unknown[]) => void warnings.push(words)
    },
    delay,
    addressOf: () => '192.0.2.1',
    drain: () => void drained++,
    cancelDrain: () => drained-- > 0
  })
  const ask = await serve((request, response) =>
    admin.handle(request, response, new URL(request.url ?? '/', 'http://server'))
  )
  return {
    budget,
    warnings,
    infos,
    counters,
    drained: () => drained,
    ask: (method, path, { authorization = `Bearer ${TOKEN}`, token, json } = {}) =>
      ask(path, {
        method,
        headers: {
          ...(authorization === null ? {} : { authorization }),
          ...(token === undefined ? {} : { 'x-admin-token': token }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' })
        },
        body: json
      })
  }
}

describe('the token', () => {
  test('may be sent in a header of its own, beside a password for a proxy', async () => {
    const { ask } = await start()
    const authorization = `Basic ${Buffer.from('user:password').toString('base64')}`
    expect((await ask('GET', '/admin/peers', { authorization, token: TOKEN })).status).toBe(200)
    const { status, headers } = await ask('GET', '/admin/peers', { authorization, token: 'another' })
    expect({ status, challenge: headers['www-authenticate'] }).toEqual({ status: 401, challenge: 'Bearer' })
  })

  test.each([
    ['none', null],
    ['a wrong one', 'Bearer correct horse batterx'],
    ['a part of it', 'Bearer correct horse'],
    ['one of another kind', `Basic ${Buffer.from(`:${TOKEN}`).toString('base64')}`],
    ['nothing in its place', 'Bearer ']
  ])('opens nothing if it is %s', async (_, authorization) => {
    const { ask, counters, drained } = await start()
    for (const [method, path] of [
      ['GET', '/admin/peers'],
      ['POST', '/admin/disconnect'],
      ['POST', '/admin/drain'],
      ['DELETE', '/admin/drain']
    ] as const) {
      const { status, headers, body } = await ask(method, path, { authorization })
      expect({ status, challenge: headers['www-authenticate'] }).toEqual({ status: 401, challenge: 'Bearer' })
      expect(body).not.toContain(TOKEN)
    }
    expect(drained()).toBe(0)
    expect(counters.snapshot().refused).toEqual({ 'admin token': 4 })
  })

  test('in an address opens nothing', async () => {
    const { ask } = await start()
    const { status } = await ask('GET', `/admin/peers?token=${encodeURIComponent(TOKEN)}`, { authorization: null })
    expect(status).toBe(401)
  })

  test('opens whatever wrong ones came before, which are answered late or sent away', async () => {
    const { ask, counters, warnings } = await start({ delay: 60_000 })
    const late: Promise<Answer>[] = []
    const guess = (): Promise<Answer> => ask('GET', '/admin/peers', { authorization: 'Bearer a guess' })
    for (let count = 0; count < 4; count++) late.push(guess())
    await eventually('four guesses to wait', () => counters.snapshot().refused['admin token'] === 4)
    const { status, headers } = await guess()
    expect({ status, ...headers }).toMatchObject({ status: 429, 'retry-after': '5', connection: 'close' })
    expect((await ask('GET', '/admin/peers')).status).toBe(200)
    expect(warnings).toEqual(Array.from({ length: 5 }, () => [{ ip: '192.0.2.1' }, 'refused a wrong admin token']))
    expect(JSON.stringify(warnings)).not.toContain('guess')
    for (const answer of late) answer.catch(() => {})
  })

  test('that is wrong is answered after a while', async () => {
    const { ask } = await start({ delay: 20 })
    expect((await ask('GET', '/admin/peers', { authorization: 'Bearer a guess' })).status).toBe(401)
  })
})

test('the list is JSON that nobody keeps', async () => {
  const { ask } = await start()
  const { status, headers, body } = await ask('GET', '/admin/peers?find=x')
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  expect(JSON.parse(body)).toEqual({ total: 0, peers: [] } satisfies ListedPeers)
})

test('addresses are listed with what they cost: those that owe first', async () => {
  const { ask, budget } = await start()
  const addressOf = (ip: string) => budget.addressOf({ ip, exempt: false })
  addressOf('192.0.2.1')
  addressOf('192.0.2.2').connections = 3
  addressOf('192.0.2.3').connections = 5
  budget.addressOf({ ip: '127.0.0.1', exempt: true }).connections = 1
  const account = addressOf('2001:db8::1')
  account.charge('request', 1_000_000)
  account.sessions = 2
  const { addresses, total } = JSON.parse((await ask('GET', '/admin/addresses')).body) as ListedAddresses
  const nothing = { connections: 0, sessions: 0, received: 0, queued: 0, debt: 0 }
  expect({ addresses, total }).toEqual({
    total: 4,
    addresses: [
      { ...nothing, network: '2001:db8:0:0', sessions: 2, debt: expect.any(Number) },
      { ...nothing, network: '192.0.2.3', connections: 5 },
      { ...nothing, network: '192.0.2.2', connections: 3 },
      { ...nothing, connections: 1 }
    ]
  })
  expect(addresses[0]?.debt).toBeGreaterThan(0)
})

test('draining begins and ends when it is asked for, and the log says by whom', async () => {
  const { ask, drained, infos } = await start()
  expect(await ask('GET', '/admin/drain')).toMatchObject({ status: 404 })
  expect(drained()).toBe(0)
  expect(await ask('POST', '/admin/drain')).toMatchObject({ status: 202, body: '{"status":"draining"}\n' })
  expect(drained()).toBe(1)
  expect(await ask('DELETE', '/admin/drain')).toMatchObject({ status: 200, body: '{"status":"ready"}\n' })
  expect(await ask('DELETE', '/admin/drain')).toMatchObject({ status: 409 })
  expect(infos).toEqual([
    [{ ip: '192.0.2.1' }, expect.stringContaining('an operator drains')],
    [{ ip: '192.0.2.1' }, expect.stringContaining('cancels')]
  ])
})

test.each([
  ['no peer', '{}'],
  ['no JSON', '{"peer":'],
  ['no object', 'null'],
  ['a peer that is no text', '{"peer":1}'],
  ['too much', JSON.stringify({ peer: 'x'.repeat(5_000) })],
  ['nothing', undefined]
])('whoever names %s disconnects nobody', async (_, json) => {
  const { ask } = await start()
  expect((await ask('POST', '/admin/disconnect', json === undefined ? {} : { json })).status).toBe(400)
})

test('a peer that is not there cannot be disconnected', async () => {
  const { ask } = await start()
  expect((await ask('POST', '/admin/disconnect', { json: '{"peer":"QmNobody"}' })).status).toBe(404)
})
