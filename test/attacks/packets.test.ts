import { openDial, type Packet } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const revisions = ['3', '4'] as const

const chunkHeader = '451-["socket.io-pull-stream.queue.x.dialer",{"_placeholder":true,"num":0}]'

/** Packets that neither revision can mean. Each ends its connection. */
const malformed: Packet[][] = [
  [''],
  ...['7', '8', '9', 'x', '-1', 'é', '\0', '{}', '[]', 'GET / HTTP/1.1'].map((packet) => [packet]),
  ...['4', '4x', '4é', '47', '48', '49', '4-1', '4 2["x"]'].map((packet) => [packet]),
  ...['42', '420', '427', '42[]', '42{}', '42"x"', '42null', '42true', '42abc', '42/', '42/,', '42/ns["x"]'].map(
    (packet) => [packet]
  ),
  ...['42[1]', '42[null]', '42[{}]', '42[[]]', '42[["ss-join"]]', '42[true]'].map((packet) => [packet]),
  ...['42["a"', '42["a"]]', "42['a']", '42["a",]', '42["a"]\0', '42["\n"]'].map((packet) => [packet]),
  ...['42-1["x"]', '421.5["x"]', '421e3["x"]', '420x1["x"]'].map((packet) => [packet]),
  ...['43', '43[]', '430', '430{}', '430"x"', '430null', '43-1[]', '431.5[]'].map((packet) => [packet]),
  ...['44', '440', '44"x"', '44{}', '44[]', '44{"message":"x"}'].map((packet) => [packet]),
  ...['45', '45["x"]', '45-["x"]', '450-["x"]', '451-', '451-[]', '451-{}', '451-[1]'].map((packet) => [packet]),
  ...['4511-["x"]', '45999999999-["x"]', '451.5-["x"]', '45-1-["x"]', '451e0-["x"]'].map((packet) => [packet]),
  ...['46', '46-[]', '460-0[]', '461-[]', '461-0{}', '4611-0[]'].map((packet) => [packet]),
  ...['41{}', '41[]', '41"x"', '40[]', '40"x"', '40{', '40null', '40?token=1'].map((packet) => [packet]),
  [chunkHeader, '42["x"]'],
  [chunkHeader, chunkHeader],
  [chunkHeader, '41'],
  ['451-[{"_placeholder":true,"num":0}]'],
  ['462-0[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', '42["x"]']
]

/** Packets that mean nothing here. The connection stays, and nobody hears of them. */
const meaningless = {
  engine: ['0', '0{"sid":"x"}', '1', '5', '6', '6x'],
  'unknown event': ['42["x"]', '42[""]', '42["__proto__"]', '42["constructor",1,2,3]', '42["ss-joined"]'],
  namespace: ['42/ns,["ss-join"]', '42/ns,1["x"]', '43/ns,0[]', '41/ns', '41/ns,'],
  'ack without request': ['430[]', '4399999[]', '43999999999999999[null]', '430[[[]]]']
}

test.for(revisions)('malformed packets end the connection they came on, EIO%s', async (eio) => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attempts = malformed.map(async (packets) => {
    const attacker = await star.connect({ eio })
    attacker.send(...packets)
    const { code } = await attacker.closed
    return { packets, code, answers: attacker.unread }
  })
  for (const { packets, code, answers } of await Promise.all(attempts)) {
    expect([1005, 1008], JSON.stringify(packets)).toContain(code)
    expect(answers, JSON.stringify(packets)).toEqual([])
  }
  const { closed, sessions } = star.server.stats()
  expect(closed).toEqual({ 'malformed packet': malformed.length })
  expect(sessions).toBe(2)
  await pair.check()
})

test.for(revisions)('packets without a meaning are ignored, EIO%s', async (eio) => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect({ eio })
  const { engine, ...counted } = meaningless
  attacker.send(...engine, ...Object.values(counted).flat())
  await attacker.settle()
  expect(attacker.unread).toEqual([])
  for (const [reason, packets] of Object.entries(counted)) {
    expect(star.server.stats().dropped, reason).toHaveProperty([reason], packets.length)
  }
  await pair.check()
})

test('a heartbeat in the wrong direction ends the connection', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [older, newer] = [await star.connect({ eio: '3' }), await star.connect({ eio: '4' })]
  older.send('3')
  newer.send('2')
  await Promise.all([older.closed, newer.closed])
  expect(star.server.stats().closed).toEqual({ 'transport error': 2 })
  await pair.check()
})

test('an attachment that no packet announced ends the connection', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attackers = await Promise.all(revisions.map(async (eio) => await star.connect({ eio })))
  for (const attacker of attackers) attacker.send(attacker.binary(Buffer.from('surprise')))
  const closed = await Promise.all(attackers.map(async (attacker) => await attacker.closed))
  expect(closed.map(({ code }) => code)).toEqual([1008, 1008])
  await pair.check()
})

test('binary packets of engine.io types that carry no message are ignored', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect({ eio: '3' })
  attacker.send(...['', '00', '01', '05', '06', '07', 'ff', '3432', '010203'].map((hex) => Buffer.from(hex, 'hex')))
  await attacker.settle()
  expect(attacker.unread).toEqual([])
  await pair.check()
})

test('a namespace other than the one there is is refused, in the words of each revision', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [older, newer] = [await star.connect({ eio: '3' }), await star.connect({ eio: '4' })]
  older.send('40/admin?token=1,')
  newer.send('40/admin,{"token":1}')
  expect(await older.next()).toBe('44/admin,"Invalid namespace"')
  expect(await newer.next()).toBe('44/admin,{"message":"Invalid namespace"}')
  await pair.check()
})

test('a peer of revision 4 that speaks before its CONNECT is closed', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect({ eio: '4', auth: null })
  attacker.send('420["ss-join","/ip4/1.2.3.4",""]')
  expect((await attacker.closed).code).toBe(1008)
  expect(attacker.unread).toEqual([])
  await pair.check()
})

test('a second CONNECT ends a connection of revision 4, and means nothing to one of revision 3', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [older, newer] = [await star.connect({ eio: '3' }), await star.connect({ eio: '4' })]
  older.send('40', '40{}')
  await older.settle()
  expect(older.unread).toEqual([])
  newer.send('40')
  expect((await newer.closed).code).toBe(1008)
  await pair.check()
})

test('what follows a malformed packet goes nowhere', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [attacker, accomplice] = [await star.join(), await star.join()]
  const { near, far } = await openDial(attacker, accomplice)
  attacker.webSocket.tcp.cork()
  near.write(Buffer.from('before'))
  attacker.send('49', `42["ss-dial","${attacker.address}","${pair.listener.address}","x"]`)
  near.write(Buffer.from('after'))
  attacker.webSocket.tcp.uncork()
  expect(await far.ended()).toEqual([true])
  await attacker.closed
  expect(far.chunks).toEqual([Buffer.from('before')])
  await pair.check()
})

test('an event with so many attachments that are not used is refused', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  const ten = Array.from({ length: 10 }, () => attacker.binary(Buffer.of(1)))
  attacker.send('4510-0["ss-join",{"_placeholder":true,"num":0}]', ...ten)
  expect(await attacker.next()).toBe('430["Invalid request"]')
  expect(star.server.stats().dropped).toEqual({ attachment: 1 })

  attacker.send('4511-0["ss-join"]', ...ten, attacker.binary(Buffer.of(1)))
  expect((await attacker.closed).code).toBe(1008)
  await pair.check()
})

test('a placeholder that is not number 0 resets the stream, and its attachment goes nowhere', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [sender, receiver] = [await star.join(), await star.join()]
  const placeholders = [
    '{"_placeholder":true,"num":1}',
    '{"_placeholder":true,"num":7}',
    '{"_placeholder":true,"num":-1}',
    '{"_placeholder":true,"num":0.5}',
    '{"_placeholder":true,"num":1e999}',
    '{"_placeholder":true,"num":"0"}',
    '{"_placeholder":true,"num":"__proto__"}',
    '{"_placeholder":true}',
    '{"_placeholder":"true","num":0}',
    '[{"_placeholder":true,"num":0}]',
    '{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}',
    '"nothing"'
  ]
  for (const placeholder of placeholders) {
    const { near, far } = await openDial(sender, receiver)
    sender.send(`451-["socket.io-pull-stream.queue.${near.sends}",${placeholder}]`, sender.binary(Buffer.of(1)))
    expect(await Promise.all([near.ended(), far.ended()]), placeholder).toEqual([
      [expect.stringMatching(/./)],
      [expect.stringMatching(/./)]
    ])
    expect(far.chunks).toEqual([])
  }
  const stats = star.server.stats()
  expect(stats.reset).toEqual({ payload: placeholders.length })
  expect(stats.streams).toBe(2)
  await pair.check()
})
