import { describe, expect, test } from 'vitest'
import { Admin } from '../../src/http/admin.js'
import type { PeerList } from '../../src/http/status-messages.js'
import { Registry } from '../../src/registry/registry.js'
import { FlowControl } from '../../src/relay/flow-control.js'
import { Router } from '../../src/relay/router.js'
import { Counters } from '../../src/stats.js'
import { serve, type Answer } from './requests.js'

const TOKEN = 'correct horse battery'
const ROUTER = { streamsPerSession: 4, acceptTimeout: 60_000 }
const FLOW = { highWaterMark: 1_000, sessionCeiling: 4_000, holdTimeout: 30_000 }

interface Setting {
  counters: Counters
  drained: () => number
  /** Asks with the token, unless another authorization is given; null is none. */
  ask: (method: string, path: string, options?: { authorization?: string | null; json?: string }) => Promise<Answer>
}

async function start(): Promise<Setting> {
  const counters = new Counters()
  let drained = 0
  const admin = new Admin({
    token: TOKEN,
    registry: new Registry(),
    router: new Router(ROUTER, new FlowControl(FLOW, counters, Date.now), counters),
    counters,
    addressOf: () => '192.0.2.1',
    drain: () => void drained++
  })
  const ask = await serve((request, response) =>
    admin.handle(request, response, new URL(request.url ?? '/', 'http://server'))
  )
  return {
    counters,
    drained: () => drained,
    ask: (method, path, { authorization = `Bearer ${TOKEN}`, json } = {}) =>
      ask(path, {
        method,
        headers: {
          ...(authorization === null ? {} : { authorization }),
          ...(json === undefined ? {} : { 'content-type': 'application/json' })
        },
        body: json
      })
  }
}

describe('the token', () => {
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
      ['POST', '/admin/drain']
    ] as const) {
      const { status, headers, body } = await ask(method, path, { authorization })
      expect({ status, challenge: headers['www-authenticate'] }).toEqual({ status: 401, challenge: 'Bearer' })
      expect(body).not.toContain(TOKEN)
    }
    expect(drained()).toBe(0)
    expect(counters.snapshot().refused).toEqual({ 'admin token': 3 })
  })

  test('in an address opens nothing', async () => {
    const { ask } = await start()
    const { status } = await ask('GET', `/admin/peers?token=${encodeURIComponent(TOKEN)}`, { authorization: null })
    expect(status).toBe(401)
  })

  test('has to wait after wrong ones', async () => {
    const { ask, counters } = await start()
    for (let count = 0; count < 4; count++) {
      expect((await ask('GET', '/admin/peers', { authorization: `Bearer guess ${count}` })).status).toBe(401)
    }
    const { status, headers } = await ask('GET', '/admin/peers')
    expect({ status, after: headers['retry-after'] }).toEqual({ status: 429, after: '5' })
    expect(counters.snapshot().refused).toEqual({ 'admin token': 4, 'rate limit': 1 })
  })
})

test('the list is JSON that nobody keeps', async () => {
  const { ask } = await start()
  const { status, headers, body } = await ask('GET', '/admin/peers?find=x')
  expect(status).toBe(200)
  expect(headers).toMatchObject({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  expect(JSON.parse(body)).toEqual({ total: 0, peers: [] } satisfies PeerList)
})

test('draining begins when it is asked for', async () => {
  const { ask, drained } = await start()
  expect(await ask('GET', '/admin/drain')).toMatchObject({ status: 404 })
  expect(drained()).toBe(0)
  expect(await ask('POST', '/admin/drain')).toMatchObject({ status: 202, body: '{"status":"draining"}\n' })
  expect(drained()).toBe(1)
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
