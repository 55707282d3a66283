import type { Connection, StarClient } from '@websocket-star/client'
import { eventually, within } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { LegacyNode } from '../support/legacy.js'
import { accepting, joinClient, untilStatus } from '../support/star-client.js'
import { startStar, type Star } from '../support/star.js'

const adminToken = 'a token for tests'

async function admin(star: Star, method: string, action: string, body?: object): Promise<unknown> {
  const response = await fetch(`${star.url}/admin/${action}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body)
  })
  return await response.json()
}

test('operators see who is there, and what is sent to whom', async () => {
  await using star = await startStar({ adminToken })
  const [alice, bob] = await Promise.all([joinClient(star), joinClient(star)])
  await using legacy = await LegacyNode.create({ star: star.multiaddr, name: 'legacy' })
  await legacy.listen()
  const accepted = accepting(bob)
  const connection = await alice.dial(bob.peerId)
  const far = await accepted.next()
  await send(connection, 100_000)
  await receive(far, 100_000)

  const { total, peers } = (await admin(star, 'GET', 'peers')) as Listed
  expect(total).toBe(3)
  const byId = new Map(peers.map((peer) => [peer.id, peer]))
  expect(byId.get(legacy.peerId)).toMatchObject({ isNew: false, ips: ['127.0.0.1'], streamCount: 0, streams: [] })
  expect(byId.get(alice.peerId)).toMatchObject({ isNew: true, address: alice.addresses[0], streamCount: 2 })
  expect(byId.get(alice.peerId)?.streams).toContainEqual({
    id: expect.stringMatching(/\.dialer$/),
    direction: 'out',
    remote: bob.peerId,
    bytes: 100_000,
    state: 'open'
  })
  expect(byId.get(bob.peerId)?.streams).toContainEqual(
    expect.objectContaining({ direction: 'in', remote: alice.peerId, bytes: 100_000 })
  )
  expect(await admin(star, 'GET', `peers?find=${bob.peerId.slice(-10)}`)).toMatchObject({
    total: 1,
    peers: [{ id: bob.peerId }]
  })
})

test('operators disconnect one peer, and the others stay', async () => {
  await using star = await startStar({ adminToken })
  const [alice, bob] = await Promise.all([joinClient(star), joinClient(star)])
  const lost = untilStatus(alice, 'alice to be disconnected', () => alice.servers[0]?.state === 'waiting')
  expect(await admin(star, 'POST', 'disconnect', { peer: alice.peerId })).toEqual({ disconnected: 1 })
  await lost
  expect(bob.servers[0]?.state).toBe('joined')
  expect(star.server.stats().closed).toMatchObject({ operator: 1 })
  await untilStatus(alice, 'alice to come back', () => alice.servers[0]?.state === 'joined')
})

test('operators drain the server: clients are told, and then it stops', async () => {
  await using star = await startStar({ adminToken, drainTimeout: 1_000 })
  const alice = await joinClient(star)
  const told = drainNotice(alice)
  expect(await admin(star, 'POST', 'drain')).toEqual({ status: 'draining' })
  await within('a notice of the drain', told)
  await eventually('it to be gone', async () => (await fetch(star.url).catch(() => 'gone')) === 'gone')
})

test('without a token there is nothing for operators', async () => {
  await using star = await startStar()
  expect((await fetch(`${star.url}/admin/peers`, { headers: { authorization: 'Bearer undefined' } })).status).toBe(404)
  expect((await fetch(`${star.url}/admin/drain`, { method: 'POST' })).status).toBe(405)
})

test('a server without metrics shows its figures to operators only', async () => {
  await using star = await startStar({ adminToken, metrics: false })
  expect((await fetch(`${star.url}/events`)).status).toBe(401)
  expect((await fetch(`${star.url}/metrics`)).status).toBe(401)
  const stop = new AbortController()
  const headers = { authorization: `Bearer ${adminToken}` }
  expect((await fetch(`${star.url}/events`, { headers, signal: stop.signal })).status).toBe(200)
  stop.abort()
  const metrics = await fetch(`${star.url}/metrics`, { headers })
  expect({ status: metrics.status, text: await metrics.text() }).toEqual({
    status: 200,
    text: expect.stringContaining('rendezvous_peers 0')
  })
})

interface Listed {
  total: number
  peers: readonly { id: string; streams: readonly object[] }[]
}

function drainNotice(client: StarClient): Promise<unknown> {
  return new Promise((resolve) => client.addEventListener('server:drain', resolve, { once: true }))
}

async function send({ writable }: Connection, bytes: number): Promise<void> {
  const writer = writable.getWriter()
  await writer.write(new Uint8Array(bytes))
}

async function receive({ readable }: Connection, bytes: number): Promise<void> {
  const reader = readable.getReader()
  for (let left = bytes; left > 0;) left -= (await within('bytes', reader.read())).value?.length ?? left
}
