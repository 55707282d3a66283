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
