import { openDial, type RawPeer } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { EXTENDED } from '../support/raw-flow.js'
import { createIdentity } from '../support/raw-identity.js'
import { relay } from '../support/raw-pair.js'
import { canonical, DELTAS, NONE } from '../support/raw-peers.js'
import { openStar } from '../support/raw-star.js'

/** The events of a takeover that a peer has been sent, oldest first. */
function takeovers(peer: RawPeer): string[] {
  return peer.frames.map(String).filter((frame) => /^42\["ss-(taken|held)"/.test(frame))
}

function taken(address: string): string {
  return `42["ss-taken","${canonical(address)}"]`
}

function held(address: string): string {
  return `42["ss-held","${canonical(address)}"]`
}

test.for([DELTAS, NONE, EXTENDED])(
  'a new client is told when its peer is taken and held again, %o',
  async (options) => {
    const star = await openStar()
    const identity = await createIdentity()
    const [first, second] = [await star.connect(options), await star.connect()]
    await first.join(identity, star.prefix)
    // By another name of the same server: it is told by its own address all the same.
    await second.join(identity, star.prefix.replace('/ip4/127.0.0.1/', '/dns4/localhost/'))
    expect(await first.takeEvent('ss-taken')).toEqual([canonical(first.address)])

    second.wire.close()
    expect(await first.takeEvent('ss-held')).toEqual([canonical(first.address)])
    const { near, far } = await openDial(await star.join(), first)
    await relay(near, far)
    expect(takeovers(first)).toEqual([taken(first.address), held(first.address)])
  }
)

test.for(['3', '4'] as const)('a legacy client is told nothing of it, EIO%s', async (eio) => {
  const star = await openStar()
  const identity = await createIdentity()
  const [first, second] = [await star.connect({ eio }), await star.connect(EXTENDED)]
  await first.join(identity, star.prefix)
  const before = first.frames.length
  await second.join(identity, star.prefix)
  second.emit('ss-leave', second.address)
  // That it holds its peer again is seen by a dial.
  await second.settle()
  const { near, far } = await openDial(await star.join(), first)
  await relay(near, far)
  const events = first.frames.slice(before).map(String)
  expect(events.filter((frame) => frame.includes('"ss-') && !frame.includes('ss-incomming'))).toEqual([])
  expect(takeovers(second)).toEqual([])
})

test('only the newest holder is told, and of those before it the newest that answers gets its peer back', async () => {
  const star = await openStar({ join: { takeoverTimeout: 1_000 } })
  const identity = await createIdentity()
  const holders: RawPeer[] = []
  for (let index = 0; index < 4; index++) {
    const holder = await star.connect(EXTENDED)
    await holder.join(identity, star.prefix)
    holders.push(holder)
  }
  const [first, second, third, fourth] = holders
  if (!first || !second || !third || !fourth) throw new Error('too few holders')
  const address = first.address
  await third.takeEvent('ss-taken')
  third.tcp.pause()
  fourth.emit('ss-leave', address)
  expect(await second.takeEvent('ss-held')).toEqual([canonical(address)])
  expect([first, second, fourth].map(takeovers)).toEqual([[taken(address)], [taken(address), held(address)], []])
  third.tcp.resume()
  await third.settle()
  expect(takeovers(third)).toEqual([taken(address)])
})

test('five sessions of a peer stay, and each is told once when the next takes over', async () => {
  const star = await openStar()
  const identity = await createIdentity()
  const holders: RawPeer[] = []
  for (let index = 0; index < 5; index++) {
    const holder = await star.connect(EXTENDED)
    await holder.join(identity, star.prefix)
    holders.push(holder)
  }
  const [first] = holders
  if (!first) throw new Error('too few holders')
  await Promise.all(holders.map(async (holder) => await holder.settle()))
  const once = [taken(first.address)]
  expect(holders.map(takeovers)).toEqual([once, once, once, once, []])
  expect(star.server.stats()).toMatchObject({ peers: 1, sessions: 5 })
})

test('without the challenge a silent holder that loses its address finds that it was told', async () => {
  const star = await openStar({ cryptoChallenge: false, join: { takeoverTimeout: 100 } })
  const [silent, legacy] = [await star.join({ ...DELTAS, pong: false }), await star.join({ pong: false })]
  for (const holder of [silent, legacy]) await (await star.connect(EXTENDED)).finishJoin(holder.address)
  expect(await silent.takeEvent('ss-taken')).toEqual([canonical(silent.address)])
  await Promise.all([silent.settle(), legacy.settle()])
  expect(takeovers(silent)).toHaveLength(1)
  expect(takeovers(legacy)).toEqual([])
})
