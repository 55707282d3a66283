import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { createStarClient } from '@websocket-star/client'
import { createRendezvous } from '@websocket-star/rendezvous'
import { connectRaw, eventually, within } from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { CommandServer } from '../support/command.js'
import { digest, openOneWay, Pump } from '../support/raw-flow.js'
import { openStar } from '../support/raw-star.js'
import { createIdentity } from '../support/raw-identity.js'
import { startStar } from '../support/star.js'

/** What a client is answered that connects. */
async function connectionAnswer(url: string, transport: string, headers: Record<string, string>) {
  const asked = get(`${url}/socket.io/?EIO=4&transport=${transport}`, { headers, agent: false })
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  answer.resume()
  const origin = answer.headers['access-control-allow-origin']
  return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], origin }
}

describe('a server that drains', () => {
  test('lets streams finish, and closes who has none', async () => {
    const star = await openStar()
    const [dialer, listener, idle] = [await star.join(), await star.join(), await star.join()]
    const { near, far } = await openOneWay(dialer, listener)
    const pump = new Pump(near, 1_000, Number.POSITIVE_INFINITY, 1)
    const drained = star.server.drain({ timeout: 30_000 })
    await within('an idle client to be closed', idle.closed)
    expect((await fetch(`${star.url}/ready`)).status).toBe(503)
    await pump.stop()
    near.end(true)
    far.end(true)
    await far.ended()
    expect(digest(far.chunks)).toBe(pump.digest)
    await Promise.all([dialer.closed, listener.closed, drained])
    expect(star.server.stats().reset).toEqual({})
  })

  test('takes nobody new, and says so', async () => {
    const star = await openStar()
    const [dialer, listener] = [await star.join(), await star.join()]
    const bystander = await star.connect()
    const { near, far } = await openOneWay(dialer, listener)
    const drained = star.server.drain({ timeout: 30_000 })
    const address = `${star.prefix}/ipfs/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC`
    expect(await dialer.request('ss-join', address, '')).toEqual(['Server is stopping'])
    const origin = 'https://app.example'
    // else a page of another origin could not read it
    expect(await connectionAnswer(star.url, 'polling', { origin })).toEqual({ status: 503, retryAfter: '10', origin })
    const upgrade = { connection: 'Upgrade', upgrade: 'websocket' }
    expect(await connectionAnswer(star.url, 'websocket', upgrade)).toEqual({ status: 503, retryAfter: '10' })
    await bystander.closed
    expect(star.server.stats().refused).toEqual({ stopping: 3 })
    near.end(true)
    far.end(true)
    await within('the server to stop', drained)
  })

  test.each(['websocket', 'polling'] as const)('tells a client that comes by %s what that means', async (transport) => {
    const star = await openStar()
    const [dialer, listener] = [await star.join(), await star.join()]
    await openOneWay(dialer, listener)
    const drained = star.server.drain({ timeout: 30_000 })
    await using client = await createStarClient({ servers: [star.url], transports: [transport] })
    const refused = new Promise<string | undefined>((resolve) => {
      client.addEventListener('server:status', ({ detail }) => detail.error && resolve(detail.error.message))
    })
    client.join().catch(() => {})
    expect(await within('the refusal', refused)).toBe(`${star.url} could not be reached: Server is stopping (503)`)
    dialer.wire.close()
    listener.wire.close()
    await drained
  })

  test('ends what has not finished in time', async () => {
    const star = await openStar()
    const [dialer, listener] = [await star.join(), await star.join()]
    await openOneWay(dialer, listener)
    await star.server.drain({ timeout: 300 })
    await Promise.all([dialer.closed, listener.closed])
  })

  test('can be started again', async () => {
    const star = await openStar()
    await star.server.drain({ timeout: 0 })
    await star.server.start()
    const peer = await connectRaw(star.server.address().url)
    await peer.join(await createIdentity(), star.server.address().multiaddr)
    expect((await fetch(`${star.server.address().url}/ready`)).status).toBe(200)
    peer.wire.close()
  })

  test('sends new clients elsewhere, whose streams finish while they are there already', async () => {
    await using star = await startStar()
    const elsewhere = createRendezvous({ host: '127.0.0.1', port: 0 })
    await elsewhere.start()
    const clients = await Promise.all([star.url, star.url].map((url) => createStarClient({ servers: [url] })))
    const [alice, bob] = clients
    if (alice === undefined || bob === undefined) throw new Error('there are two')
    const notices: number[] = []
    for (const client of clients) {
      client.addEventListener('server:drain', ({ detail }) => notices.push(detail.afterMs))
      await client.join()
    }
    await eventually('bob is known', () => alice.peers.has(bob.peerId))
    const received = new Promise<string>((resolve) => {
      bob.handle(async ({ readable, writable }) => {
        await writable.close()
        resolve(await new Response(readable).text())
      })
    })
    const { writable } = await alice.dial(bob.peerId)
    const writer = writable.getWriter()
    await writer.write(new TextEncoder().encode('before '))
    const drained = star.server.drain({ timeout: 20_000 })
    await eventually('both are told', () => notices.length === 2)
    await Promise.all(clients.map((client) => client.join({ server: elsewhere.address().url })))
    await writer.write(new TextEncoder().encode('and after'))
    await writer.close()
    expect(await within('the text', received)).toBe('before and after')
    await within('the server to stop', drained)
    expect(elsewhere.stats().peers).toBe(2)
    for (const client of clients) await client.close()
    await elsewhere.stop()
  })
})

describe('a drain that an operator asks for', () => {
  const headers = { authorization: 'Bearer correct horse battery' }
  const env = { WEBSOCKET_STAR_ADMIN_TOKEN: 'correct horse battery' }

  /** Starts a server with two peers whose stream keeps a drain from ending. */
  async function startBusy() {
    const server = await CommandServer.start(['--drain-timeout=60000'], env)
    const peers = [await connectRaw(server.url), await connectRaw(server.url)] as const
    for (const peer of peers) await peer.join(await createIdentity(), server.multiaddr)
    const { near, far } = await openOneWay(...peers)
    const request = async (method: string) => (await fetch(`${server.url}/admin/drain`, { method, headers })).status
    const readiness = async () => (await fetch(`${server.url}/ready`)).status
    return { server, peers, near, far, request, readiness }
  }

  test('can be cancelled: streams go on, and new clients join', async () => {
    const { server, near, far, peers, request, readiness } = await startBusy()
    await using _ = server
    const bystander = await connectRaw(server.url)
    expect(await request('DELETE')).toBe(409)
    expect(await request('POST')).toBe(202)
    await eventually('it drains', async () => (await readiness()) === 503)
    await bystander.closed
    expect(await request('DELETE')).toBe(200)
    await eventually('it is ready again', async () => (await readiness()) === 200)
    const newcomer = await connectRaw(server.url)
    await newcomer.join(await createIdentity(), server.multiaddr)
    near.end(true)
    far.end(true)
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' })
    expect(peers.map(({ isClosed }) => isClosed)).toEqual([false, false])
    for (const text of ['an operator drains', 'an operator cancels', 'the drain was cancelled'])
      expect(server.stderr.items.find((line) => line.includes(text))).toBeDefined()
    expect(server.stderr.items.find((line) => line.includes('an operator drains'))).toContain('"ip":"127.0.0.1"')
    expect(await server.stop('SIGTERM')).toEqual({ code: 0, signal: null })
  })

  test('ends the process, and is not cancelled while SIGTERM drains too', async () => {
    const { server, near, far, request, readiness } = await startBusy()
    await using _ = server
    expect(await request('POST')).toBe(202)
    server.child.kill('SIGTERM')
    expect(await request('DELETE')).toBe(200)
    expect(await readiness()).toBe(503)
    near.end(true)
    far.end(true)
    expect(await within('its end', server.exit)).toEqual({ code: 0, signal: null })
  })
})

test('a library cancels a drain by a signal', async () => {
  const star = await openStar()
  const [dialer, listener] = [await star.join(), await star.join()]
  await openOneWay(dialer, listener)
  const cancelled = new AbortController()
  const drained = star.server.drain({ timeout: 30_000, signal: cancelled.signal })
  cancelled.abort(new Error('not now'))
  await expect(drained).rejects.toThrow('not now')
  await (await star.connect()).join(await createIdentity(), star.prefix)
  expect(star.server.stats().peers).toBe(3)
})

test('SIGTERM lets streams finish, a second signal does not', async () => {
  await using server = await CommandServer.start()
  const peers = [await connectRaw(server.url), await connectRaw(server.url)] as const
  for (const peer of peers) await peer.join(await createIdentity(), server.multiaddr)
  await openOneWay(...peers)
  let isOver = false
  const over = server.stop('SIGTERM').then((end) => {
    isOver = true
    return end
  })
  await eventually('it drains', async () => (await fetch(`${server.url}/ready`)).status === 503)
  expect(isOver).toBe(false)
  await server.stderr.until('the log to say so', (lines) =>
    lines.some((line) => line.includes('open streams may finish') && line.includes('"sessions":2,"streams":2'))
  )
  await server.stop('SIGINT')
  expect(await over).toEqual({ code: 0, signal: null })
})
