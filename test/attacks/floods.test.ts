import { randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { WIRE_ERRORS } from '@websocket-star/protocol'
import {
  BINARY,
  fragmentedFrames,
  maskedFrame,
  openDial,
  PING,
  PONG,
  TEXT,
  textFrame as text,
  type PollingWire,
  type RawPeer
} from '@websocket-star/testkit'
import { describe, expect, test } from 'vitest'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const ENGINE_PONG = 0x33 // '3'
/** So little work that a flood meets it at once, and a peer that joins and dials does not. */
const LITTLE = { workPerSession: 1, floodTimeout: 300 }

const UNKNOWN_CHUNK = Buffer.concat([
  text('451-["socket.io-pull-stream.queue.nothing.dialer",{"_placeholder":true,"num":0}]'),
  maskedFrame(BINARY, Buffer.from([1]))
])

/** Writes the same bytes again and again, until the server hangs up. */
async function flood({ tcp }: RawPeer, message: Buffer): Promise<void> {
  const messages = Buffer.concat(Array.from({ length: Math.ceil(60_000 / message.length) }, () => message))
  while (!tcp.destroyed) {
    if (!tcp.write(messages)) await Promise.race([new Promise((resolve) => tcp.once('drain', resolve)), delay(50)])
  }
}

describe('a flood is read more slowly, and closed when it does not end; others go on', () => {
  test.for([
    ['WebSocket pings', '4', maskedFrame(PING, Buffer.alloc(0))],
    ['pings of engine.io', '3', text('2')],
    ['pongs of engine.io', '4', text('3')],
    ['answers to nothing', '4', text('4399[]')],
    ['chunks of no stream', '4', UNKNOWN_CHUNK],
    ['ends of no stream', '4', text('42["socket.io-pull-stream.error.nothing.dialer",true]')],
    ['unknown events', '4', text('42["nobody knows"]')],
    ['packets of other namespaces', '4', text('42/other,["x"]')],
    ['connections to other namespaces', '4', text('40/other,')],
    ['joins', '4', text('421["ss-join","x",""]')],
    ['leaves', '4', text('421["ss-leave","x"]')],
    ['dials', '4', text('421["ss-dial","x","y","z"]')],
    ['fragments', '4', Buffer.concat(fragmentedFrames(TEXT, Buffer.from('42["x"]'), 1))]
  ] as const)('%s', async ([, eio, message]) => {
    const star = await openStar({ limits: LITTLE })
    const pair = await wellBehavedPair(star)
    const attacker = await star.connect({ eio })
    const ended = flood(attacker, message)
    await pair.check()
    await ended
    const { closed, paused } = await star.counted('the end', ({ closed }) => Object.keys(closed).length > 0)
    expect(closed).toEqual({ flood: 1 })
    expect(paused.flood).toBeGreaterThan(0)
    await pair.check()
  })
})

test('a client that polls is read more slowly too, and every packet of a large body is handled, in order', async () => {
  const star = await openStar({ limits: { ...LITTLE, floodTimeout: 60_000 } })
  const peer = await star.connect({ transport: 'polling' })
  // Some hundred packets in one body.
  peer.send(...Array.from({ length: 500 }, (_, index) => `42${index}["nobody knows"]`))
  await peer.until('the answers', () => (peer.unread.length >= 500 ? true : undefined))
  expect(peer.unread).toEqual(Array.from({ length: 500 }, (_, index) => `43${index}["${WIRE_ERRORS.unexpected}"]`))
  expect(star.server.stats()).toMatchObject({ closed: {}, paused: { flood: expect.any(Number) } })
})

test('pings that come together have one answer, that of the last', async () => {
  const star = await openStar()
  const peer = await star.connect()
  const answers: string[] = []
  peer.webSocket.filter((opcode, bytes, start, end) => {
    if (opcode === PONG) answers.push(bytes.toString('utf8', start, end))
    return false
  })
  peer.tcp.write(Buffer.concat(['a', 'b', 'c'].map((data) => maskedFrame(PING, Buffer.from(data)))))
  await expect.poll(() => answers).toEqual(['c'])
  peer.tcp.write(maskedFrame(PING, Buffer.from('d')))
  await expect.poll(() => answers).toEqual(['c', 'd'])
})

test('pings of engine.io that come together have one answer', async () => {
  const star = await openStar()
  const peer = await star.connect({ eio: '3' })
  let answers = 0
  peer.webSocket.filter((opcode, bytes, start) => {
    if (opcode === TEXT && bytes[start] === ENGINE_PONG) answers++
    return false
  })
  peer.tcp.write(Buffer.concat([text('2'), text('2'), text('2'), text('421["nobody knows"]')]))
  await peer.until('the answer to the event', () => (peer.unread.length > 0 ? true : undefined))
  expect(answers).toBe(1)
  peer.tcp.write(text('2'))
  await expect.poll(() => answers).toBe(2)
})

describe('messages that are not finished', () => {
  const size = 100_000

  test('are dropped, the largest first, when all together take too much; the others arrive', async () => {
    const star = await openStar({ limits: { receivedBytes: 4.2 * size } })
    const [dialer, listener] = [await star.join(), await star.join()]
    const { near, far } = await openDial(dialer, listener)
    const attackers = [await star.connect(), await star.connect()]
    const [half, most] = [0.6 * size, 3 * size]
    const [header, chunk] = [text(near.header), maskedFrame(BINARY, dialer.binary(randomBytes(size)) as Buffer)]
    dialer.tcp.write(Buffer.concat([header, chunk.subarray(0, half)]))
    attackers[0]?.tcp.write(maskedFrame(BINARY, Buffer.alloc(most)).subarray(0, -1))
    await star.counted('two of them', ({ receivedBytes }) => receivedBytes > most)
    attackers[1]?.tcp.write(maskedFrame(BINARY, Buffer.alloc(size)).subarray(0, -1))
    const { closed } = await star.counted('one end', ({ closed }) => Object.keys(closed).length > 0)
    expect(closed).toEqual({ 'unfinished messages': 1 })
    expect(await attackers[0]?.closed).toMatchObject({ code: 1008 })
    dialer.tcp.write(chunk.subarray(half))
    expect((await far.received(1))[0]).toHaveLength(size)
    await relay(near, far)
  })

  test('in ever more fragments, or in single bytes, are dropped for what they take beside their bytes', async () => {
    const star = await openStar({ limits: { messageSize: 20_000 } })
    const { near, far } = await openDial(await star.join(), await star.join())
    const [fragments, bytes] = [await star.connect(), await star.connect()]
    for (const fragment of fragmentedFrames(BINARY, Buffer.alloc(400), 1).slice(0, -1)) fragments.tcp.write(fragment)
    const message = maskedFrame(BINARY, Buffer.alloc(19_000))
    bytes.tcp.setNoDelay(true)
    for (let at = 0; at < 600 && !bytes.tcp.destroyed; at++) {
      bytes.tcp.write(message.subarray(at, at + 1))
      await delay(1)
    }
    expect((await fragments.closed).code).toBe(1008)
    expect((await bytes.closed).code).toBe(1008)
    await star.counted('two ends', ({ closed }) => closed['unfinished messages'] === 2)
    await relay(near, far, [1, 10_000])
  })

  test('in the bodies of requests count as well', async () => {
    const star = await openStar({ limits: { receivedBytes: 250_000 } })
    const { near, far } = await openDial(await star.join(), await star.join())
    for (const _ of [1, 2]) {
      const { wire } = await star.connect({ eio: '4', transport: 'polling' })
      const { sid } = wire as PollingWire
      const { port } = star.server.address()
      const path = `/socket.io/?EIO=4&transport=polling&sid=${sid}`
      const post = request({ port, path, method: 'POST', headers: { 'content-length': 200_000 } })
      post.on('error', () => {})
      post.write(Buffer.alloc(150_000, 'x'))
    }
    await star.counted('one end', ({ closed }) => closed['unfinished messages'] === 1)
    await relay(near, far, [1, 10_000])
  })
})
