import { createServer } from 'node:net'
import { once } from 'node:events'
import { eventually, within } from '@websocket-star/testkit'
import { JoinAbortedError } from '@websocket-star/client'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startStar } from '../support/star.js'
import {
  accepting,
  echoing,
  failure,
  joinClient,
  openClient,
  openPair,
  roundTripText,
  untilPeers,
  untilStatus
} from '../support/star-client.js'

/** Returns the URL of a closed port. */
async function deadUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number } // it listens on TCP
  server.close()
  return `http://127.0.0.1:${port}`
}

describe('several servers', () => {
  test('are joined at once, and a peer on two of them has two addresses', async () => {
    await using one = await startStar()
    await using two = await startStar()
    const [alice, bob] = [await joinClient([one.url, two.multiaddr]), await joinClient([one.url, two.url])]
    const here = [`${one.multiaddr}/p2p/${bob.peerId}`, `${two.multiaddr}/p2p/${bob.peerId}`]
    await untilPeers(alice, 'both addresses', () => alice.peers.get(bob.peerId)?.addresses.length === 2)
    expect(alice.peers.get(bob.peerId)?.addresses.toSorted()).toEqual(here.toSorted())
    expect(bob.addresses.toSorted()).toEqual(here.toSorted())
  })

  test('one that dies and returns stops nothing', async () => {
    await using one = await startStar()
    await using two = await startStar()
    const servers = [one.url, two.url]
    const [alice, bob] = [await joinClient(servers), await joinClient(servers)]
    echoing(bob)
    await untilPeers(alice, 'both addresses', () => alice.peers.get(bob.peerId)?.addresses.length === 2)
    await one.stop()
    await untilPeers(alice, 'the loss of one', () => alice.peers.get(bob.peerId)?.addresses.length === 1)
    expect(await roundTripText(await alice.dial(bob.peerId), 'by the other')).toBe('by the other')
    await one.restart()
    await untilStatus(alice, 'its return', () => alice.servers.every(({ state }) => state === 'joined'))
    await untilPeers(alice, 'both addresses again', () => alice.peers.get(bob.peerId)?.addresses.length === 2)
    await two.stop()
    await untilPeers(alice, 'the loss of the other', () => alice.peers.get(bob.peerId)?.addresses.length === 1)
    expect(await roundTripText(await alice.dial(bob.peerId), 'by the first')).toBe('by the first')
  })

  test('a peer that is only on one of them is found', async () => {
    await using one = await startStar()
    await using two = await startStar()
    const [alice, bob] = [await joinClient([one.url, two.url]), await joinClient([two.url])]
    echoing(bob)
    expect(await roundTripText(await alice.dial(bob.peerId), 'found')).toBe('found')
    // Another name of the server than the client joined under.
    const address = `/dns4/localhost/tcp/${two.port}/ws/p2p-websocket-star/p2p/${bob.peerId}`
    expect(await roundTripText(await alice.dial(address), 'found again')).toBe('found again')
  })

  test('are told of as one state: joined as long as one of them is', async () => {
    await using one = await startStar()
    await using two = await startStar()
    const client = await openClient([one.url, two.url])
    const states: string[] = []
    client.addEventListener('client:state', ({ detail }) => states.push(detail))
    const untilState = (state: string): Promise<void> =>
      untilStatus(client, `the state ${state}`, () => states.at(-1) === state && client.state === state)
    expect(client.state).toBe('left')
    await within('the join', client.join())
    await untilStatus(client, 'both', () => client.servers.every(({ state }) => state === 'joined'))
    await one.stop()
    await untilStatus(client, 'the loss', () => client.servers.some(({ state }) => state !== 'joined'))
    expect(states).toEqual(['connecting', 'joined'])
    await two.stop()
    await untilState('connecting')
    await two.restart()
    await untilState('joined')
    await client.close()
    expect(client.state).toBe('left')
    expect(states).toEqual(['connecting', 'joined', 'connecting', 'joined', 'left'])
  })

  test('more can be joined and left later', async () => {
    await using one = await startStar()
    await using two = await startStar()
    const [alice, bob] = [await joinClient(one), await joinClient([one.url, two.url])]
    await alice.join({ server: two.multiaddr })
    expect(alice.servers.map(({ state }) => state)).toEqual(['joined', 'joined'])
    await untilPeers(alice, 'both addresses', () => alice.peers.get(bob.peerId)?.addresses.length === 2)
    await alice.leave(one.url)
    expect(alice.addresses).toEqual([`${two.multiaddr}/p2p/${alice.peerId}`])
    expect(alice.peers.get(bob.peerId)?.addresses).toEqual([`${two.multiaddr}/p2p/${bob.peerId}`])
    await untilPeers(bob, 'the leave', () => bob.peers.get(alice.peerId)?.addresses.length === 1)
  })

  test('a join that the server refuses is told of, and tried again', async () => {
    await using star = await startStar({ discovery: { prefixes: 1 } })
    await joinClient(`http://localhost:${star.port}`)
    const client = await openClient(star)
    const error = await failure(client.join({ signal: AbortSignal.timeout(300) }))
    expect(error).toMatchObject({ name: 'TimeoutError', code: 'ERR_JOIN_ABORTED' })
    expect(error.cause).toMatchObject({ code: 'ERR_JOIN_REFUSED' })
    expect(client.servers[0]?.error).toMatchObject({ code: 'ERR_JOIN_REFUSED' })
  })

  test('two names of one server share a connection', async () => {
    await using star = await startStar()
    const other = `/ip4/127.0.0.1/tcp/${star.port}/ws/p2p-websocket-star`
    const client = await joinClient([star.url, other])
    expect(client.addresses).toEqual([`${star.multiaddr}/p2p/${client.peerId}`])
    expect(star.server.stats().sessions).toBe(1)
  })
})

describe('a server that is down', () => {
  test('at the start is joined when it comes; what is wrong is told', async () => {
    await using star = await startStar()
    await star.stop()
    const client = await openClient(star)
    const joined = client.join()
    await untilStatus(client, 'a failed attempt', () => client.servers[0]?.state === 'waiting')
    const [status] = client.servers
    expect(status?.error).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    expect(status?.retryAt).toBeGreaterThan(Date.now() - 1000)
    await star.restart()
    await within('the join', joined)
    expect(client.servers[0]).toMatchObject({ state: 'joined', error: undefined, retryAt: undefined })
  })

  test('does not keep another from being joined', async () => {
    await using star = await startStar()
    const client = await openClient([await deadUrl(), star.url])
    await within('a join', client.join())
    expect(client.addresses).toEqual([`${star.multiaddr}/p2p/${client.peerId}`])
  })

  test('makes a strict client give up, and close what it had joined', async () => {
    await using star = await startStar()
    const client = await openClient([await deadUrl(), star.url], { strict: true })
    expect(await failure(client.join())).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    expect(client.servers).toEqual([])
    await eventually('what was joined to be left', () => star.server.stats().sessions === 0)
  })

  test('is waited for no longer than a signal says', async () => {
    const url = await deadUrl()
    const client = await openClient(url)
    const joining = failure(client.join({ signal: AbortSignal.timeout(300) }))
    await untilStatus(client, 'a failed attempt', () => client.servers[0]?.state === 'waiting')
    const error = await joining
    expect(error).toBeInstanceOf(JoinAbortedError)
    expect(error).toMatchObject({ name: 'TimeoutError', reason: { name: 'TimeoutError' } })
    expect(error.message).toContain(`${url} could not be reached: connect ECONNREFUSED`)
    expect(error.cause).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    expect(await failure(client.dial('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5'))).toMatchObject({
      code: 'ERR_NOT_JOINED'
    })
  })
})

describe('an aborted join', () => {
  test('of an origin that the server refuses says so', async () => {
    await using star = await startStar({ allowedOrigins: ['self'] })
    const client = await openClient(star, { socket: { extraHeaders: { origin: 'https://elsewhere.example' } } })
    const stop = new AbortController()
    const joining = failure(client.join({ signal: stop.signal }))
    await untilStatus(client, 'a refusal', () => client.servers[0]?.state === 'waiting')
    stop.abort()
    const error = await joining
    expect(error).toMatchObject({ name: 'AbortError', code: 'ERR_JOIN_ABORTED' })
    expect(error.cause).toMatchObject({ code: 'ERR_SERVER_UNREACHABLE' })
    expect(error.message).toContain(
      'Origin is not allowed: start the server with --allowed-origin https://elsewhere.example'
    )
  })

  test('of several servers has the error of the latest attempt', async () => {
    await using full = await startStar({ discovery: { prefixes: 1 } })
    await joinClient(`http://localhost:${full.port}`)
    const client = await openClient([await deadUrl(), full.url], { backoff: { initial: 60_000, max: 60_000 } })
    const stop = new AbortController()
    const joining = failure(client.join({ signal: stop.signal }))
    await untilStatus(client, 'both to fail', () => client.servers.every(({ state }) => state === 'waiting'))
    stop.abort()
    // A refused join fails after a refused connection.
    expect((await joining).cause).toMatchObject({ code: 'ERR_JOIN_REFUSED' })
  })

  test('has the reason of its signal if no attempt has failed', async () => {
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as { port: number } // it listens on TCP
    const client = await openClient(`http://127.0.0.1:${port}`)
    const reason = new Error('enough')
    const stop = new AbortController()
    const joining = failure(client.join({ signal: stop.signal }))
    await once(silent, 'connection')
    stop.abort(reason)
    expect(await joining).toBe(reason)
    await client.close()
  })
})

describe('a server that restarts', () => {
  test('in the middle of a transfer: streams end with an error, the client rejoins and dials again', async () => {
    await using star = await startStar()
    const { dialer, listener, near, far } = await openPair(star)
    const accepted = accepting(listener)
    const reader = far.readable.getReader()
    const writer = near.writable.getWriter()
    const writing = failure(
      (async () => {
        for (;;) await writer.write(new Uint8Array(50_000))
      })()
    )
    await reader.read()
    await star.restart()
    expect(['ERR_CONNECTION_LOST', 'ERR_STREAM_RESET']).toContain((await writing).code)
    const reading = failure(
      (async () => {
        while (!(await reader.read()).done);
      })()
    )
    expect(['ERR_CONNECTION_LOST', 'ERR_STREAM_RESET']).toContain((await reading).code)
    for (const client of [dialer, listener]) {
      await untilStatus(client, 'the rejoin', () => client.servers[0]?.state === 'joined')
    }
    await untilPeers(dialer, 'word of the other', () => dialer.peers.has(listener.peerId))
    await dialer.dial(listener.peerId)
    expect((await accepted.next()).remotePeerId).toBe(dialer.peerId)
    expect(star.server.stats()).toMatchObject({ refused: {} })
  })

  test('is told in status events, and who was there has left until it is back', async () => {
    await using star = await startStar()
    const [alice, bob] = [await joinClient(star), await joinClient(star)]
    await untilPeers(alice, 'bob', () => alice.peers.has(bob.peerId))
    const states: string[] = []
    alice.addEventListener('server:status', ({ detail }) => states.push(detail.state))
    const changes: string[] = []
    alice.addEventListener('peer:left', ({ detail }) => changes.push(`left ${detail.id}`))
    alice.addEventListener('peer:joined', ({ detail }) => changes.push(`joined ${detail.id}`))
    await star.restart()
    await untilPeers(alice, 'bob again', () => changes.length > 1)
    expect(changes).toEqual([`left ${bob.peerId}`, `joined ${bob.peerId}`])
    expect(states.filter((state, index) => states[index - 1] !== state).slice(0, 2)).toEqual(['waiting', 'connecting'])
    await untilStatus(alice, 'the rejoin', () => alice.servers[0]?.state === 'joined')
    expect(states.at(-1)).toBe('joined')
  })

  test('a client that was closed meanwhile does not come back', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    await star.stop()
    await untilStatus(client, 'the loss', () => client.servers[0]?.state === 'waiting')
    await client.close()
    await star.restart()
    await joinClient(star)
    expect(star.server.stats().peers).toBe(1)
  })
})
