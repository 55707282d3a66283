import { randomUUID } from 'node:crypto'
import { openDial } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const revisions = ['3', '4'] as const

function nested(depth: number): string {
  return `${'['.repeat(depth)}${']'.repeat(depth)}`
}

test.for(revisions)('an ERROR packet nested 4,000 deep, before any join, ends the connection, EIO%s', async (eio) => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect({ eio })
  attacker.send(`44${nested(4000)}`)
  expect((await attacker.closed).code).toBe(1008)
  expect(star.server.stats().closed).toEqual({ 'malformed packet': 1 })
  await pair.check()
})

test.for(revisions)('JSON nested 240,000 deep is answered where it can be, and never parsed, EIO%s', async (eio) => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const deep = nested(240_000)
  const attacker = await star.connect({ eio })
  expect(await attacker.request('ss-join', '/ip4/1.2.3.4', '')).toEqual([expect.any(String)])
  attacker.send(`42["ss-join",${deep}]`, `42["nonsense",${deep}]`, `437[${deep}]`)
  attacker.send(`4277["ss-dial",${deep}]`)
  expect(await attacker.takeText(/^4377\[/)).toMatch(/^4377\["Invalid request/)
  expect(attacker.unread).toEqual([])
  expect(star.server.stats().dropped['oversized packet']).toBe(4)

  attacker.send(`4278["ss-dial",${nested(100)}]`)
  expect(await attacker.takeText(/^4378\[/)).toMatch(/^4378\["Invalid request/)
  expect(star.server.stats().dropped['too deep']).toBe(1)

  const connecting = await star.connect({ eio, ...(eio === '4' && { auth: null }) })
  connecting.send(`40{"x":${deep}}`)
  expect((await connecting.closed).code).toBe(1008)
  await pair.check()
})

test('brackets in a text are no nesting, and escaped quotes do not hide any', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  attacker.send(`421["x","${'['.repeat(1000)}"]`, `422["x","\\"",${nested(1000)}]`, `423["x","\\\\",${nested(1000)}]`)
  expect(await attacker.next()).toBe('431["Unexpected event"]')
  expect(await attacker.next()).toMatch(/^432\["Invalid request/)
  expect(await attacker.next()).toMatch(/^433\["Invalid request/)
  expect(star.server.stats().dropped).toEqual({ 'too deep': 2 })
  await pair.check()
})

test('a value nested too deep ends a stream with a string', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [sender, receiver] = [await star.join(), await star.join()]
  const reasons = [
    nested(20_000),
    nested(240_000),
    `{"a":${nested(20_000)}}`,
    `"${'x'.repeat(100_000)}"`,
    '{}',
    '7',
    '{"message":"x"}'
  ]
  for (const reason of reasons) {
    const { near, far } = await openDial(sender, receiver)
    sender.send(`42["socket.io-pull-stream.error.${near.sends}",${reason}]`)
    expect(await far.ended(), reason.slice(0, 20)).toEqual([expect.stringMatching(/^.{1,256}$/)])
    far.end(true)
    await near.ended()
  }
  expect(star.server.stats().streams).toBe(2)
  await pair.check()
})

test('a callee that answers with a value nested too deep refuses the dial', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, callee] = [await star.join(), await star.join()]
  for (const value of [nested(20_000), nested(240_000), `{"message":${nested(20_000)}}`, `"${'x'.repeat(900_000)}"`]) {
    const dialled = dialer.request('ss-dial', dialer.address, callee.address, randomUUID())
    const incoming = await callee.takeText(/^42\d+\["ss-incomming"/)
    callee.send(`43${/^42(\d+)/.exec(incoming)?.[1]}[${value}]`)
    expect(await dialled, value.slice(0, 20)).toEqual([expect.stringMatching(/^.{1,256}$/)])
  }
  expect(star.server.stats().refused['dial refused']).toBe(4)
  expect(star.server.stats().streams).toBe(2)
  await pair.check()
})
