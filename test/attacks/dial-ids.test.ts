import { randomUUID } from 'node:crypto'
import { openDial } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { relay, relayBothWays, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test("another's dial id is refused at either of its ends", async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.join()
  for (const target of [pair.dialer.address, pair.listener.address]) {
    await expect(attacker.dial(target, pair.dialId)).rejects.toThrow(/^Dial id is in use$/)
  }
  expect(star.server.stats().refused).toEqual({ 'dial id': 2 })
  expect(star.server.stats().streams).toBe(2)
  await pair.check()
})

test("another's dial id between two others is a dial of its own", async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, accomplice] = [await star.join(), await star.join()]
  const { near, far } = await openDial(attacker, accomplice, pair.dialId)
  await relayBothWays(near, far)
  await pair.check()
  near.end('gone')
  expect(await far.ended()).toEqual(['gone'])
  attacker.wire.close()
  await far.peer.takeEvent(`socket.io-pull-stream.error.${far.sends}`)
  await pair.check()
})

test('one’s own dial id is refused while it is in use, and no chunk is doubled', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee, third] = [await star.join(), await star.join(), await star.join()]
  const id = randomUUID()
  const dialled = dialer.dial(callee.address, id)
  for (const target of [callee.address, third.address]) {
    expect(await dialer.request('ss-dial', dialer.address, target, id)).toEqual(['Dial id is in use'])
  }
  const [near, far] = await Promise.all([dialled, callee.answer()])
  near.accept()
  await Promise.all([near.accepted(), far.accepted()])
  expect(await callee.request('ss-dial', callee.address, dialer.address, id)).toEqual(['Dial id is in use'])
  await relay(near, far)
  expect(star.server.stats().relayed.chunks).toBe(far.chunks.length)

  near.end(true)
  await far.ended()
  expect(await dialer.request('ss-dial', dialer.address, third.address, id)).toEqual(['Dial id is in use'])
  far.end(true)
  await near.ended()
  const again = await openDial(dialer, third, id)
  await relay(again.near, again.far)
  await pair.check()
})

test('a dial id is in use while the callee is asked, even if the dialer has ended its half already', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee, third] = [await star.join(), await star.join(), await star.join()]
  const id = randomUUID()
  const dialled = dialer.request('ss-dial', dialer.address, callee.address, id)
  dialer.emit(`socket.io-pull-stream.error.${id}.dialer`, true)
  for (const [from, to] of [
    [dialer, third],
    [third, callee],
    [third, dialer]
  ] as const) {
    expect(await from.request('ss-dial', from.address, to.address, id)).toEqual(['Dial id is in use'])
  }
  const far = await callee.answer()
  await dialled
  expect(await far.ended()).toEqual([true])
  expect(third.unread.filter((packet) => String(packet).includes('ss-incomming'))).toEqual([])
  await pair.check()
})

test.for(['__proto__', 'constructor', 'a.dialer', 'a.listener', '-', '~', ':', '.', '..', 'x'.repeat(128)])(
  'the dial id %s is one like any other',
  async (id) => {
    const star = await openStar()
    const pair = await wellBehavedPair(star)
    const { near, far } = await openDial(await star.join(), await star.join(), id)
    await relayBothWays(near, far)
    near.end(true)
    far.end(true)
    await Promise.all([near.ended(), far.ended()])
    expect(star.server.stats().streams).toBe(2)
    await pair.check()
  }
)

test('dial ids that are none are refused, and nobody hears of them', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.join()
  const ids: unknown[] = [
    '',
    ' ',
    'a b',
    '🦊',
    'é',
    '"',
    '\\',
    '"],"x',
    "'",
    '\n',
    '\0',
    'a/b',
    'a,b',
    'a[0]',
    '{}',
    'x'.repeat(129),
    'x'.repeat(60_000),
    'x'.repeat(900_000),
    null,
    true,
    7,
    [],
    ['a'],
    {},
    { length: 5 }
  ]
  for (const id of ids) {
    expect(await attacker.request('ss-dial', attacker.address, pair.listener.address, id)).toEqual([
      expect.stringMatching(/^Invalid request/)
    ])
  }
  expect(star.server.stats()).toMatchObject({
    streams: 2,
    refused: { request: ids.length - 1 },
    dropped: { 'oversized packet': 1 }
  })
  await pair.check()
})
