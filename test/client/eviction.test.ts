import {
  ConnectionEvictedError,
  DialRefusedError,
  pushStreams,
  type Connection,
  type StarClient
} from '@websocket-star/client'
import { StreamAbortedError, StreamResetError } from '@websocket-star/streams'
import { expect, test } from 'vitest'
import { startStar, type Star } from '../support/star.js'
import { accepting, failure, isClosed, joinClient, openClient, roundTripText } from '../support/star-client.js'

const FREE = 1_000_000

/** Starts a star without limits of dials. */
function startBusyStar(): ReturnType<typeof startStar> {
  return startStar({ limits: { dialsPerSecond: FREE, workPerSession: FREE, unacceptedStreams: FREE } })
}

async function joinEcho(star: Star, options = {}): Promise<StarClient> {
  const client = await openClient(star, options)
  client.handle(async ({ readable, writable }) => await readable.pipeTo(writable))
  await client.join()
  return client
}

function dialMany(from: StarClient, to: StarClient, times: number): Promise<Connection[]> {
  return Promise.all(Array.from({ length: times }, async () => await from.dial(to.peerId)))
}

test.each([1, 10])('idle connections of %d strangers shut nobody out', async (strangers) => {
  await using star = await startBusyStar()
  const victim = await joinEcho(star)
  const idle: Connection[] = []
  for (let stranger = 0; stranger < strangers; stranger++) {
    const attacker = await joinClient(star)
    idle.push(...(await dialMany(attacker, victim, Math.floor(1_024 / strangers))))
  }
  const others = await Promise.all(Array.from({ length: 10 }, async () => await joinEcho(star)))
  const open: Connection[] = []
  for (const other of others) {
    open.push(...(await dialMany(other, victim, 10)), ...(await dialMany(victim, other, 10)))
  }
  const replies = await Promise.all(open.map(async (connection, index) => await roundTripText(connection, `${index}`)))
  expect(replies).toEqual(open.map((_, index) => `${index}`))
  // One connection was evicted for each dial above the limit, with the reason.
  const room = 1_024 - idle.length
  const ended = idle.map((connection) => pushStreams(connection).source.error).filter((error) => error !== undefined)
  expect(ended.length).toBeGreaterThanOrEqual(100 - room)
  expect(ended.length).toBeLessThanOrEqual(200 - room)
  for (const error of ended) {
    expect(error).toBeInstanceOf(StreamResetError)
    expect(error).toMatchObject({ reason: 'Gave way to a new connection' })
  }
  expect(star.server.stats()).toMatchObject({ dials: { failure: 0, success: idle.length + 200 }, reset: {} })
})

test('a connection that gives way ends with the reason at both ends, and its peer is refused when it has the most', async () => {
  await using star = await startBusyStar()
  const callee = await joinClient(star, { maxConnections: 3 })
  const arrivals = accepting(callee)
  const [greedy, modest] = [await joinClient(star), await joinClient(star)]
  const near = await dialMany(greedy, callee, 3)
  const far = [await arrivals.next(), await arrivals.next(), await arrivals.next()]
  expect(await failure(greedy.dial(callee.peerId))).toBeInstanceOf(DialRefusedError)

  await modest.dial(callee.peerId)
  const [first] = far
  const error = await failure(first?.closed ?? Promise.resolve())
  expect(error).toBeInstanceOf(StreamAbortedError)
  expect(error.cause).toBeInstanceOf(ConnectionEvictedError)
  expect(error.cause).toMatchObject({ code: 'ERR_CONNECTION_EVICTED' })
  const told = near.find(({ id }) => id === first?.id)
  expect(await failure(told?.closed ?? Promise.resolve())).toMatchObject({
    code: 'ERR_STREAM_RESET',
    reason: 'Gave way to a new connection'
  })
  expect(await Promise.all(far.slice(1).map(isClosed))).toEqual([false, false])
  // Two connections of one peer and one of another: no peer has two more than the other, and none is idle.
  expect(await failure(modest.dial(callee.peerId))).toMatchObject({ reason: 'Too many connections' })
})
