import { request } from 'node:http'
import { BINARY, fragmentedFrames } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const revisions = ['3', '4'] as const

test.for(revisions)('a message over the limit is answered with 1009, a 100 MB one too, EIO%s', async (eio) => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const slightly = await star.connect({ eio })
  slightly.send(`42["x","${'x'.repeat(1_048_576)}"]`)
  expect((await slightly.closed).code).toBe(1009)

  const hugely = await star.connect({ eio })
  hugely.send(Buffer.alloc(100_000_000))
  const { code } = await hugely.closed
  // The server hangs up in the middle of the frame; a peer that is still writing may find only the connection gone.
  expect([1006, 1009]).toContain(code)

  const inPieces = await star.connect({ eio })
  const pieces = fragmentedFrames(BINARY, Buffer.alloc(2_100_000), 100_000)
  for (const piece of pieces.slice(0, 20)) inPieces.tcp.write(piece)
  expect([1006, 1009]).toContain((await inPieces.closed).code)
  await star.counted('three ends', ({ sessions }) => sessions === 2)
  await pair.check()
})

test('the limit on messages is an option', async () => {
  const star = await openStar({ limits: { messageSize: 10_000 } })
  const [small, large] = [await star.connect(), await star.connect()]
  small.send(`42["x","${'x'.repeat(9_000)}"]`)
  await small.settle()
  large.send(`42["x","${'x'.repeat(10_000)}"]`)
  expect((await large.closed).code).toBe(1009)
})

test('bytes that are no WebSocket frame end the connection', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  // Unmasked, reserved bits, reserved opcode, a fragmented ping, text that is not UTF-8.
  const frames = ['8101ff', 'f180', '8380', '0980', '818100000000ff', 'ffffffffffffffff']
  await Promise.all(
    frames.map(async (hex) => {
      const attacker = await star.connect()
      attacker.webSocket.tcp.write(Buffer.from(hex, 'hex'))
      expect([1002, 1006, 1007], hex).toContain((await attacker.closed).code)
    })
  )
  await star.counted('their ends', ({ sessions }) => sessions === 2)
  expect(star.server.stats().closed).toEqual({ 'transport error': frames.length })
  await pair.check()
})

test('polling: malformed payloads and overlapping requests end the session', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const bodies = [
    '',
    'x',
    '3:42',
    '99999999:42',
    '-1:4',
    '1:9',
    'a:42["x"]',
    '2:44',
    ':::',
    '0x2:44',
    `${'9'.repeat(400)}:x`
  ]
  const outcomes = await Promise.all(
    bodies.map(async (body) => {
      const attacker = await star.connect({ transport: 'polling' })
      await attacker.polling.post(body)
      const { code } = await attacker.closed
      return { body, code, unread: attacker.unread }
    })
  )
  for (const { body, unread } of outcomes) expect(unread, body).toEqual([])

  const overlapping = await star.connect({ transport: 'polling' })
  await Promise.all([overlapping.polling.poll(), overlapping.polling.poll()])
  await overlapping.closed
  await star.counted('their ends', ({ sessions }) => sessions === 2)
  await pair.check()
})

test('polling: a body over the limit is refused', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect({ transport: 'polling' })
  // what the largest message takes as base64 is allowed
  const body = (size: number): string => `${size}:42["x","${'x'.repeat(size - 10)}"]`
  expect(await attacker.polling.post(body(1_398_000))).toBe(200)
  expect(await attacker.polling.post(body(1_398_100))).toBe(413)
  await pair.check()
})

test('requests that are no handshake are refused, and open no session', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const paths = [
    '/socket.io/',
    '/socket.io/?EIO=3',
    '/socket.io/?EIO=3&transport=carrier-pigeon',
    '/socket.io/?EIO=3&transport=websocket',
    '/socket.io/?EIO=3&transport=polling&sid=unknown',
    '/socket.io/?EIO=3&transport=polling&sid=__proto__',
    '/socket.io/?EIO=3&transport=__proto__',
    '/socket.io/?EIO=4&EIO=3&transport=polling&transport=websocket',
    '/socket.io/%',
    '/socket.io/../../etc/passwd'
  ]
  const statuses = await Promise.all(
    paths.map(async (path) => {
      const url = new URL(star.url)
      return await new Promise<number | undefined>((resolve, reject) => {
        request({ host: url.hostname, port: url.port, path }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    })
  )
  for (const [index, status] of statuses.entries()) expect(status, paths[index]).toBeGreaterThanOrEqual(400)
  expect(star.server.stats().sessions).toBe(2)
  await pair.check()
})

test("another's session cannot be entered with its id by another transport", async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const victim = await star.connect()
  const { sid } = JSON.parse(String(victim.frames[0]).slice(1)) as { sid: string }
  const response = await fetch(`${star.url}/socket.io/?EIO=3&transport=polling&sid=${sid}`)
  expect(response.status).toBe(400)
  await victim.settle()
  await pair.check()
})
