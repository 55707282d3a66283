import { randomBytes, randomUUID } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { openStar } from '../support/raw-star.js'
import { joinSocket, type Major, type StarSocket, type StreamPair } from '../support/socket.js'
import type { StarAddress } from '../support/star.js'
import { pull, receive } from '../support/streams.js'

const majors: Major[] = [2, 3, 4]
const UPGRADING = ['polling', 'websocket']
const pairs = majors.flatMap((dialer) => majors.map((listener) => ({ dialer, listener })))

/** Bytes of the chunks, each way. */
const sizes = [0, 1, 60, 1024, 65_536, 0, 65_537, 200_000]

async function joined(star: StarAddress, major: Major, transports = ['websocket']): Promise<StarSocket> {
  const socket = await joinSocket(star, randomUUID(), { major, transports })
  onTestFinished(() => socket[Symbol.asyncDispose]())
  return socket
}

async function connect(from: StarSocket, to: StarSocket): Promise<[near: StreamPair, far: StreamPair]> {
  return await Promise.all([from.dial(to.address, randomUUID()), to.accepted.next('a dial')])
}

/** Random chunks both ways at once, compared byte for byte after both have ended. */
async function exchange([near, far]: readonly [near: StreamPair, far: StreamPair]): Promise<void> {
  const [there, back] = [sizes.map((size) => randomBytes(size)), sizes.map((size) => randomBytes(size))]
  pull(pull.values(there), near.sink)
  pull(pull.values(back), far.sink)
  const [atFar, atNear] = await Promise.all([receive(far.source), receive(near.source)])
  expect([atFar.end, atNear.end]).toEqual([true, true])
  expect(atFar.chunks.map((chunk) => chunk.length)).toEqual(sizes)
  expect(atNear.chunks.map((chunk) => chunk.length)).toEqual(sizes)
  expect(Buffer.concat(atFar.chunks).equals(Buffer.concat(there))).toBe(true)
  expect(Buffer.concat(atNear.chunks).equals(Buffer.concat(back))).toBe(true)
}

test.for(pairs)('over WebSockets socket.io-client $dialer dials $listener', async ({ dialer, listener }) => {
  const star = await openStar()
  const [a, b] = await Promise.all([joined(star, dialer), joined(star, listener)])
  await exchange(await connect(a, b))
  expect(star.server.stats()).toMatchObject({ streams: 0, dropped: {}, closed: {}, refused: {} })
})

test.for(pairs)('from polling to WebSocket socket.io-client $dialer dials $listener', async ({ dialer, listener }) => {
  const star = await openStar()
  const [a, b] = await Promise.all([joined(star, dialer, UPGRADING), joined(star, listener, UPGRADING)])
  await exchange(await connect(a, b))
  await Promise.all([a.upgraded(), b.upgraded()])
  await exchange(await connect(a, b))
  expect(star.server.stats()).toMatchObject({ streams: 0, dropped: {}, closed: {}, refused: {} })
})

test.for(majors)('socket.io-client %i that only polls dials and is dialled', async (major) => {
  const star = await openStar()
  const [polling, other] = await Promise.all([joined(star, major, ['polling']), joined(star, 4)])
  await exchange(await connect(polling, other))
  await exchange(await connect(other, polling))
})

test.for(['websocket', 'polling'])('over %s the id of a socket is not that of its session', async (transport) => {
  const star = await openStar()
  const { socket } = await joined(star, 4, [transport])
  expect(socket.id).toMatch(/^.{20,}$/)
  expect(socket.id).not.toBe(socket.io.engine.id)
})
