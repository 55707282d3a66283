import { setTimeout as delay } from 'node:timers/promises'
import { pushStreams } from '@websocket-star/client'
import { readableStream } from '@websocket-star/streams'
import { describe, expect, test } from 'vitest'
import { startStar } from '../support/star.js'
import {
  accepting,
  bytesOf,
  echoing,
  failure,
  joinClient,
  openPair,
  readAll,
  roundTripText,
  textOf,
  writeRandom
} from '../support/star-client.js'

const MB = 1_000_000
const WINDOW = 4_194_304

describe.each([
  ['WebSocket', 'WebSocket', ['websocket'], ['websocket']],
  ['polling, then WebSocket', 'WebSocket', ['polling', 'websocket'], ['websocket']],
  ['polling', 'WebSocket', ['polling'], ['websocket']],
  ['polling', 'polling', ['polling'], ['polling']]
] as const)('a client that connects by %s and one by %s', (_a, _b, near, far) => {
  test('exchange megabytes in both directions at once', async () => {
    await using star = await startStar()
    const pair = await openPair(star, { transports: near }, { transports: far })
    const size = near.length === 1 && near[0] === 'polling' ? 2 * MB : 20 * MB
    const [there, back, received, returned] = await Promise.all([
      writeRandom(pair.near.writable, size),
      writeRandom(pair.far.writable, size),
      readAll(pair.far.readable),
      readAll(pair.near.readable)
    ])
    expect(received).toEqual({ bytes: size, digest: there })
    expect(returned).toEqual({ bytes: size, digest: back })
    await Promise.all([pair.near.closed, pair.far.closed])
    expect(star.server.stats()).toMatchObject({ reset: {}, dropped: {} })
  })
})

test('a client that polls may send as much at once as it was told', async () => {
  await using star = await startStar()
  const { near, far } = await openPair(star, { transports: ['polling'] })
  const received = readAll(far.readable)
  // Twelve of these fill a request up to the last byte, as engine.io-client counts.
  const { sink } = pushStreams(near)
  for (let index = 0; index < 60; index++) sink.write(new Uint8Array(65_536).fill(index))
  sink.end()
  expect(await sink.whenClosed).toBeUndefined()
  expect((await received).bytes).toBe(60 * 65_536)
})

test('small writes arrive in order, joined into few chunks', async () => {
  await using star = await startStar()
  const { near, far } = await openPair(star)
  let chunks = 0
  let text = ''
  const [{ sink }, { source }] = [pushStreams(near), pushStreams(far)]
  source.onData = (bytes) => {
    chunks++
    text += textOf(bytes)
  }
  const ended = new Promise((resolve) => (source.onEnd = resolve))
  source.resume()
  const words = Array.from({ length: 10_000 }, (_, index) => `${index} `)
  for (const word of words) sink.write(bytesOf(word))
  sink.end()
  expect(await ended).toBeUndefined()
  expect(text).toBe(words.join(''))
  expect(chunks).toBeLessThan(10)
})

test('a lone small write does not wait for others', async () => {
  await using star = await startStar()
  const { near, far } = await openPair(star)
  const reader = far.readable.getReader()
  const { sink } = pushStreams(near)
  for (const word of ['one', 'two', 'three']) {
    sink.write(bytesOf(word))
    expect(textOf((await reader.read()).value ?? bytesOf('nothing'))).toBe(word)
  }
})

test('an echo: either side may end first', async () => {
  await using star = await startStar()
  const [dialer, listener] = [await joinClient(star), await joinClient(star)]
  echoing(listener)
  expect(await roundTripText(await dialer.dial(listener.peerId), 'by peer id')).toBe('by peer id')
  const address = `${star.multiaddr}/p2p/${listener.peerId}`
  const connection = await dialer.dial(address)
  expect(await roundTripText(connection, 'by address')).toBe('by address')
  expect(connection).toMatchObject({
    direction: 'outbound',
    remoteAddress: address,
    remotePeerId: listener.peerId,
    localAddress: `${star.multiaddr}/p2p/${dialer.peerId}`
  })
  await connection.closed
})

test('the one who is dialled learns who it is, and may dial back', async () => {
  await using star = await startStar()
  const { dialer, listener, far } = await openPair(star)
  echoing(dialer)
  expect(far).toMatchObject({ direction: 'inbound', remotePeerId: dialer.peerId })
  expect(await roundTripText(await listener.dial(far.remoteAddress), 'back')).toBe('back')
})

test('has the documented members and no others', async () => {
  await using star = await startStar()
  const { near } = await openPair(star)
  const own = Object.keys(near)
  const inherited = Object.getOwnPropertyNames(Object.getPrototypeOf(near))
  const members = ['id', 'direction', 'remotePeerId', 'remoteAddress', 'localAddress']
  members.push('readable', 'writable', 'closed', 'abort')
  expect([...own, ...inherited].toSorted()).toEqual([...members, 'constructor'].toSorted())
})

describe('mixing the two kinds of streams on one connection', () => {
  const inUse = expect.objectContaining({ name: 'StreamsInUseError', code: 'ERR_STREAMS_IN_USE' })

  test('fails for pushStreams after readable or writable was read', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    const written = writeRandom(near.writable, MB)
    const received = readAll(far.readable)
    expect(() => pushStreams(near)).toThrow(inUse)
    expect(() => pushStreams(far)).toThrow(inUse)
    expect(await received).toEqual({ bytes: MB, digest: await written })
  })

  test('fails for readable and writable after pushStreams, which may be called again', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    const { sink } = pushStreams(near)
    expect(() => near.writable).toThrow(inUse)
    expect(() => near.readable).toThrow(inUse)
    expect(pushStreams(near).sink).toBe(sink)
    sink.write(bytesOf('whole'))
    sink.end()
    expect(await readAll(far.readable)).toMatchObject({ bytes: 5 })
  })
})

describe('a connection that nobody reads', () => {
  test('holds its sender within the window, and goes on when it is read', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    const size = 30 * MB
    let done = false
    const written = writeRandom(near.writable, size).finally(() => (done = true))
    const { source } = pushStreams(far)
    while (source.readableLength < 200_000) await delay(5)
    // Long enough for everything to arrive, if the sender were not paused.
    await delay(300)
    expect(done).toBe(false)
    expect(source.readableLength).toBeLessThanOrEqual(WINDOW)
    expect(star.server.stats()).toMatchObject({ bufferedBytes: 0, pausedSenders: 0 })
    const received = await readAll(readableStream(source))
    expect(received).toEqual({ bytes: size, digest: await written })
  })

  test('leaves other connections of the same two alone', async () => {
    await using star = await startStar()
    const { dialer, listener, near } = await openPair(star)
    void writeRandom(near.writable, 30 * MB).catch(() => {})
    echoing(listener)
    expect(await roundTripText(await dialer.dial(listener.peerId), 'hello')).toBe('hello')
  })
})

describe('an end', () => {
  test('of one direction leaves the other open', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    await near.writable.close()
    expect(await readAll(far.readable)).toMatchObject({ bytes: 0 })
    const [digest, returned] = await Promise.all([writeRandom(far.writable, MB), readAll(near.readable)])
    expect(returned).toEqual({ bytes: MB, digest })
    await Promise.all([near.closed, far.closed])
  })

  test('comes after everything that was written before it', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    const { sink } = pushStreams(near)
    sink.write(new Uint8Array(3 * MB))
    sink.end()
    expect(await readAll(far.readable)).toMatchObject({ bytes: 3 * MB })
  })

  test('by abort is told to the other side, in both directions, with the reason', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    near.abort(new Error('no time'))
    expect(await failure(far.closed)).toMatchObject({ code: 'ERR_STREAM_RESET', reason: 'no time' })
    expect(await failure(near.closed)).toMatchObject({ code: 'ERR_STREAM_ABORTED' })
    expect(await failure(far.readable.getReader().read())).toMatchObject({ code: 'ERR_STREAM_RESET' })
    expect(await failure(far.writable.getWriter().write(bytesOf('x')))).toMatchObject({ code: 'ERR_STREAM_RESET' })
  })

  test('by cancelling the reader stops the sender of that direction only', async () => {
    await using star = await startStar()
    const { near, far } = await openPair(star)
    await far.readable.cancel('enough')
    expect(await failure(near.writable.getWriter().closed)).toMatchObject({
      code: 'ERR_STREAM_RESET',
      reason: 'enough'
    })
    const [digest, returned] = await Promise.all([writeRandom(far.writable, MB), readAll(near.readable)])
    expect(returned).toEqual({ bytes: MB, digest })
  })

  test('of a handler that throws is told to the caller, and why to its owner', async () => {
    await using star = await startStar()
    const [dialer, listener] = [await joinClient(star), await joinClient(star)]
    const errors: unknown[] = []
    listener.addEventListener('handler:error', ({ detail }) => errors.push(detail.error))
    listener.handle(() => {
      throw new Error('a secret')
    })
    const connection = await dialer.dial(listener.peerId)
    expect(await failure(connection.closed)).toMatchObject({ reason: 'The connection could not be handled' })
    listener.handle(async () => await Promise.reject(new Error('another')))
    const again = await dialer.dial(listener.peerId)
    expect(await failure(again.closed)).toMatchObject({ reason: 'The connection could not be handled' })
    expect(errors.map(String)).toEqual(['Error: a secret', 'Error: another'])
  })

  test('of a peer ends what is open with it, with a reason', async () => {
    await using star = await startStar()
    const { near, listener } = await openPair(star)
    const reading = failure(near.readable.getReader().read())
    await listener.close()
    expect(await reading).toMatchObject({ code: 'ERR_STREAM_RESET' })
    await failure(near.closed)
  })
})

describe('a dial', () => {
  test('of nobody fails', async () => {
    await using star = await startStar()
    const [dialer, gone] = [await joinClient(star), await joinClient(star)]
    await gone.close()
    expect(await failure(dialer.dial(gone.peerId))).toMatchObject({ code: 'ERR_PEER_NOT_FOUND' })
    expect(await failure(dialer.dial('nonsense'))).toMatchObject({ code: 'ERR_INVALID_ADDRESS' })
  })

  test('of oneself fails', async () => {
    await using star = await startStar()
    const client = await joinClient(star)
    expect(await failure(client.dial(client.peerId))).toMatchObject({ code: 'ERR_DIAL_REFUSED' })
  })

  test('of one who takes no connections is refused', async () => {
    await using star = await startStar()
    const [dialer, listener] = [await joinClient(star), await joinClient(star)]
    expect(await failure(dialer.dial(listener.peerId))).toMatchObject({
      code: 'ERR_DIAL_REFUSED',
      reason: 'Not accepting connections'
    })
    const accepted = accepting(listener)
    await dialer.dial(listener.peerId)
    expect((await accepted.next()).remotePeerId).toBe(dialer.peerId)
  })

  test('200 at once between two, all byte for byte', async () => {
    await using star = await startStar()
    const [dialer, listener] = [await joinClient(star), await joinClient(star)]
    echoing(listener)
    const echoes = Array.from({ length: 200 }, async (_, index) => {
      const text = `${index} `.repeat(1000)
      return (await roundTripText(await dialer.dial(listener.peerId), text)) === text
    })
    expect(await Promise.all(echoes)).toEqual(echoes.map(() => true))
    expect(star.server.stats()).toMatchObject({ streams: 0, reset: {} })
  })
})
