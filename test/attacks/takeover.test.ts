import { openDial, type RawConnection, type RawPeer, WebSocketWire } from '@websocket-star/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { createIdentity } from '../support/raw-identity.js'
import { relay, wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test('without the challenge nobody takes an address from a holder that answers', async () => {
  const star = await openStar({ cryptoChallenge: false, join: { takeoverTimeout: 5000 } })
  const pair = await wellBehavedPair(star)
  const [attacker, { address }] = [await star.connect({ eio: '4' }), pair.dialer]
  const spellings = [
    address,
    address.replace('/ipfs/', '/p2p/'),
    `${address}/`,
    address.replace('127.0.0.1', '127.0.0.2')
  ]
  for (const spelling of spellings) {
    await expect(attacker.finishJoin(spelling), spelling).rejects.toThrow(/^Address in use$/)
  }
  await expect(attacker.dial(pair.listener.address, 'x', address)).rejects.toThrow(/^Not authorized for this address$/)
  expect(star.server.stats()).toMatchObject({ peers: 2, refused: { 'address in use': 4 } })
  await pair.check()
})

test('without the challenge a polling holder keeps its address', async () => {
  const star = await openStar({ cryptoChallenge: false })
  const pair = await wellBehavedPair(star)
  const [holder, attacker] = [await star.join({ transport: 'polling' }), await star.connect()]
  await expect(attacker.finishJoin(holder.address)).rejects.toThrow(/^Address in use$/)
  const { near, far } = await openDial(await star.join(), holder)
  await relay(near, far)
  await pair.check()
})

test('without the challenge a holder that is about to leave polling for a WebSocket keeps its address', async () => {
  const star = await openStar({ cryptoChallenge: false, join: { takeoverTimeout: 60_000 } })
  const pair = await wellBehavedPair(star)
  const holder = await star.join({ eio: '4', transport: 'polling' })
  const webSocket = new WebSocketWire(star.url, { eio: '4', sid: holder.polling.sid }, () => {})
  onTestFinished(() => webSocket.close())
  await webSocket.opened
  webSocket.send('2probe')
  // Neither transport is one that an answer could come over.
  await holder.polling.finish()
  const attacker = await star.connect()
  const answer = attacker.finishJoin(holder.address)
  await pair.dialer.settle()
  webSocket.send('5')
  await expect(answer).rejects.toThrow(/^Address in use$/)
  await pair.check()
})

test('without the challenge a holder that is silent loses its address', async () => {
  const star = await openStar({ cryptoChallenge: false, join: { takeoverTimeout: 100 } })
  const pair = await wellBehavedPair(star)
  const [silent, heir] = [await star.join({ pong: false }), await star.connect()]
  await heir.finishJoin(silent.address)
  expect(star.server.stats().peers).toBe(3)
  const { near, far } = await openDial(await star.join(), heir)
  await relay(near, far)
  await silent.settle()
  expect(silent.unread.filter((packet) => String(packet).includes('ss-incomming'))).toEqual([])
  await pair.check()
})

test('without the challenge several that want an address at once do not all get it', async () => {
  const star = await openStar({ cryptoChallenge: false, join: { takeoverTimeout: 1_000 } })
  const pair = await wellBehavedPair(star)
  const silent = await star.join({ pong: false })
  const rivals = await Promise.all([star.connect(), star.connect(), star.connect()])
  const outcomes = await Promise.allSettled(rivals.map(async (rival) => await rival.finishJoin(silent.address)))
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(star.server.stats()).toMatchObject({ peers: 3, refused: { 'address in use': 2 } })
  await pair.check()
})

test('without the challenge the first holder gets its address back when it answers again and the second leaves', async () => {
  const star = await openStar({ cryptoChallenge: false, join: { takeoverTimeout: 1_000 } })
  const pair = await wellBehavedPair(star)
  const [first, second] = [await star.join({ pong: false }), await star.connect()]
  await second.finishJoin(first.address)
  first.webSocket.pong = true
  second.wire.close()
  await star.counted('its end', ({ sessions }) => sessions === 3)
  const { near, far } = await openDial(await star.join(), first)
  await relay(near, far)
  await pair.check()
})

test('with the challenge the newest holder is dialled, and the first gets the address back when it leaves', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const [caller, identity] = [await star.join(), await createIdentity()]
  const [first, second] = [await star.connect(), await star.connect({ eio: '4' })]
  await first.join(identity, star.prefix)
  await second.join(identity, star.prefix)
  expect(star.server.stats().peers).toBe(4)
  const toSecond = await openDial(caller, second)
  await relay(toSecond.near, toSecond.far)

  second.wire.close()
  await star.counted('its end', ({ sessions }) => sessions === 4)
  expect(star.server.stats().peers).toBe(4)
  const toFirst = await openDial(caller, first)
  await relay(toFirst.near, toFirst.far)
  await pair.check()
})

test('of several earlier holders the newest that answers gets the address back', async () => {
  const star = await openStar({ join: { takeoverTimeout: 1_000 }, dial: { ackTimeout: 500 } })
  const pair = await wellBehavedPair(star)
  const [caller, identity] = [await star.join(), await createIdentity()]
  const holders: RawPeer[] = []
  for (const pong of [true, true, false, true]) {
    const holder = await star.connect({ pong })
    await holder.join(identity, star.prefix)
    holders.push(holder)
  }
  const [oldest, answering, silent, newest] = holders
  if (!oldest || !answering || !silent || !newest) throw new Error('too few holders')
  newest.emit('ss-leave', newest.address)

  const answered = answering.answer()
  // The silent one is next in line until its time to answer the ping is over.
  const dialUntilAnswered = async (): Promise<RawConnection> =>
    await caller.dial(newest.address).catch(async (error: unknown) => {
      expect(String(error)).toMatch(/Peer did not answer in time|Peer not found/)
      return await dialUntilAnswered()
    })
  const near = await dialUntilAnswered()
  near.accept()
  const far = await answered
  await Promise.all([near.accepted(), far.accepted()])
  await relay(near, far)
  for (const other of [oldest, newest]) {
    expect(other.unread.filter((packet) => String(packet).includes('ss-incomming'))).toEqual([])
  }
  await pair.check()
})

test('with the challenge a holder that comes back takes over from its own half-open connection', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const identity = await createIdentity()
  const halfOpen = await star.connect({ pong: false })
  await halfOpen.join(identity, star.prefix)
  halfOpen.webSocket.tcp.pause()
  const back = await star.connect()
  expect(await back.join(identity, star.prefix)).toHaveLength(2)
  const { near, far } = await openDial(await star.join(), back)
  await relay(near, far)
  await pair.check()
})

test('of many connections of one peer the newest is dialled, and the peer is one', async () => {
  const star = await openStar()
  const pair = await wellBehavedPair(star)
  const identity = await createIdentity()
  const holders: RawPeer[] = []
  for (let index = 0; index < 20; index++) {
    const holder = await star.connect()
    await holder.join(identity, star.prefix)
    holders.unshift(holder)
  }
  expect(star.server.stats().peers).toBe(3)
  const [newest] = holders
  if (newest === undefined) throw new Error('no holder')
  const caller = await star.join()
  const { near, far } = await openDial(caller, newest)
  await relay(near, far)
  expect(new Set(pair.announced().filter((address) => address.endsWith(identity.id))).size).toBe(1)
  for (const holder of holders) holder.wire.close()
  await star.counted('their ends', ({ peers }) => peers === 3)
  await expect(caller.dial(newest.address)).rejects.toThrow(/^Peer not found$/)
  await pair.check()
})
