import { randomUUID } from 'node:crypto'
import { openDial } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { relayBothWays, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

const text = expect.stringMatching(/./)

test('names that mean something to an event emitter are never dispatched', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.join()
  const names = [
    'error',
    'close',
    'end',
    'data',
    'message',
    'packet',
    'open',
    'drain',
    'upgrade',
    'heartbeat',
    'ss-incomming'
  ]
  for (const name of names) {
    attacker.emit(name, true)
    attacker.emit(name, { message: 'x' })
  }
  await attacker.settle()
  expect(attacker.unread).toEqual([])
  expect(star.server.stats().dropped).toEqual({ 'unknown event': 2 * names.length })
  expect(await Promise.all(names.map(async (name) => await attacker.request(name)))).toEqual(
    names.map(() => ['Unexpected event'])
  )

  const reserved = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']
  const ends = reserved.map(async (name) => {
    const peer = await star.connect()
    peer.emit(name, 'x')
    return (await peer.closed).code
  })
  expect(await Promise.all(ends)).toEqual(reserved.map(() => 1008))
  await pair.check()
})

/** What may stand where an address, a key or a dial id belongs. */
const oddities: unknown[] = [
  null,
  true,
  false,
  0,
  7,
  -1,
  1e308,
  '',
  'x',
  '\0',
  '/',
  '//',
  [],
  {},
  [[[]]],
  ['/ip4/127.0.0.1/tcp/1'],
  { length: 500_000_000 },
  { type: 'Buffer', data: [1, 2, 3] },
  { toString: 1, valueOf: 1 },
  { __proto__: null },
  'x'.repeat(60_000)
]

test.for(['ss-join', 'ss-dial', 'ss-leave'] as const)(
  '%s with odd arguments is answered with a string',
  async (event) => {
    const star = await openStar({ limits: { joinRoundsPerSecond: 1_000_000 } })
    const pair = await wellBehavedPair(star)
    const attacker = await star.join()
    const { address } = attacker
    const id = randomUUID()
    const argumentLists: unknown[][] = [
      [],
      ...oddities.flatMap((odd) => [[odd], [odd, odd], [odd, odd, odd]]),
      ...(event === 'ss-dial' ? oddities.map((odd) => [address, odd, id]) : []),
      ...(event === 'ss-join' ? oddities.map((odd) => [`${star.prefix}/ipfs/${id}`, odd]) : [])
    ]
    for (const args of argumentLists) {
      // One at a time, to know which was answered how.
      expect(await attacker.request(event, ...args), JSON.stringify(args).slice(0, 100)).toEqual([text])
      attacker.emit(event, ...args)
    }
    const { sessions, peers, streams, refused, dropped } = await star.counted(
      'all refusals',
      ({ refused, dropped }) => {
        const counts = [refused.request, refused.address, dropped['oversized packet']]
        return counts.reduce<number>((sum, count = 0) => sum + count, 0) === 2 * argumentLists.length
      }
    )
    expect({ sessions, peers, streams }).toEqual({ sessions: 3, peers: 3, streams: 2 })
    const reasons = Object.keys({ ...refused, ...dropped })
    expect(['address', 'oversized packet', 'request']).toEqual(expect.arrayContaining(reasons))
    expect(attacker.unread).toEqual([])
    await pair.check()
  }
)

test('a missing and a null second argument of a join are an empty one', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const attacker = await star.connect()
  const address = `${star.prefix}/ipfs/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N`
  for (const rest of [[], [''], [null]]) {
    expect(await attacker.request('ss-join', address, ...rest)).toEqual([
      'Crypto Challenge required but no Id provided'
    ])
  }
  expect(star.server.stats().refused).toEqual({ 'challenge required': 3 })
  await pair.check()
})

test('only a binary attachment is a chunk: anything else resets the stream and is not relayed', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [sender, receiver] = [await star.join(), await star.join({ eio: '4' })]
  const payloads: unknown[][] = [
    [],
    [null],
    [false],
    [true],
    [0],
    [500_000_000],
    [''],
    ['text'],
    ['deadbeef'],
    [[1, 2, 3]],
    [{ length: 500_000_000 }],
    [{ type: 'Buffer', data: [1, 2, 3] }],
    [{ _placeholder: true, num: 0 }],
    [{ base64: true, data: 'AAAA' }],
    ['text', 'and more']
  ]
  for (const payload of payloads) {
    const { near, far } = await openDial(sender, receiver)
    sender.emit(`socket.io-pull-stream.queue.${near.sends}`, ...payload)
    expect(await Promise.all([near.ended(), far.ended()]), JSON.stringify(payload)).toEqual([[text], [text]])
  }
  expect([...receiver.frames, ...sender.frames].filter((frame) => String(frame).includes('.queue.'))).toEqual([])
  expect(star.server.stats().reset).toEqual({ payload: payloads.length })
  expect(star.server.stats().relayed.chunks).toBe(0)
  await pair.check()
})

test('nobody but its two parties reaches a stream', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [joined, stranger] = [await star.join(), await star.connect()]
  for (const attacker of [joined, stranger]) {
    for (const side of ['dialer', 'listener']) {
      const stream = `${pair.dialId}.${side}`
      attacker.emit(`socket.io-pull-stream.accept.${stream}`)
      attacker.emit(`socket.io-pull-stream.credit.${stream}`, 1000)
      attacker.emit(`socket.io-pull-stream.error.${stream}`, 'gone')
      attacker.send(
        `451-["socket.io-pull-stream.queue.${stream}",{"_placeholder":true,"num":0}]`,
        attacker.binary(Buffer.from('injected'))
      )
    }
    await attacker.settle()
    // It hears that it has no such stream, as it would of one that does not exist.
    expect(attacker.unread.map(String)).toEqual(
      ['dialer', 'listener'].map((side) => `42["socket.io-pull-stream.error.${pair.dialId}.${side}",true]`)
    )
  }
  expect(star.server.stats().dropped).toEqual({ 'unknown stream': 16 })
  expect(star.server.stats().streams).toBe(2)
  await pair.check()
})

test('a party sends chunks on its own half only, and accepts only the other', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  dialer.send(
    `451-["socket.io-pull-stream.queue.${near.receives}",{"_placeholder":true,"num":0}]`,
    dialer.binary(Buffer.from('echo'))
  )
  dialer.emit(`socket.io-pull-stream.accept.${near.sends}`)
  dialer.emit(`socket.io-pull-stream.credit.${near.sends}`, 1000)
  dialer.emit(`socket.io-pull-stream.accept.${near.receives}`)
  await dialer.settle()
  await relayBothWays(near, far)
  expect([...dialer.unread, ...listener.unread].filter((packet) => String(packet).includes('pull-stream'))).toEqual([])
  expect(star.server.stats().dropped).toEqual({ 'foreign stream': 3, 'repeated accept': 1 })
  await pair.check()
})

test('stream events of odd names and with odd arguments go nowhere', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [dialer, listener] = [await star.join(), await star.join()]
  const { near, far } = await openDial(dialer, listener)
  const names = [
    '',
    '.',
    '..',
    '.queue',
    '.queue.',
    '.accept.',
    '.error.',
    '.steal.x',
    '.queue.__proto__',
    '.error.constructor'
  ]
  for (const name of names) dialer.emit(`socket.io-pull-stream${name}`, 'x')
  dialer.emit(`socket.io-pull-stream.error.${'x'.repeat(60_000)}`, true)
  dialer.emit(`socket.io-pull-stream.error.${near.sends}\u0000`, true)
  for (const credit of [0, -1, 0.5, 2 ** 24 + 1, 1e308, '1', null, {}, [1]]) {
    dialer.emit(`socket.io-pull-stream.credit.${near.receives}`, credit)
  }
  await dialer.settle()
  await relayBothWays(near, far)
  expect([...dialer.unread, ...listener.unread].filter((packet) => String(packet).includes('pull-stream'))).toEqual([])
  expect(star.server.stats().streams).toBe(4)
  await pair.check()
})
