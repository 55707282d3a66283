import { eventually, FaultProxy } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { addressOf, keyOf, settled, type TestNode } from '../conformance/test-node.js'
import { RedisStar } from './redis-star.js'

const SEQUENCE = 'ws{test}:seq'
const FEED = 'ws{test}:feed'
const REGISTRY = 'ws{test}:reg'

function snapshotsOf(node: TestNode): number {
  return node.told.filter(([what]) => what === 'snapshot').length
}

test('a snapshot makes up for missing changes', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  const first = await one.own(keyOf(1))
  await other.untilOwned(keyOf(1), { node: one.id, generation: first.generation })
  // A record without a change in the feed.
  await star.redis.cli('HSET', REGISTRY, keyOf(2), `third-node|5|${addressOf(keyOf(2))}`)
  await star.redis.cli('INCRBY', SEQUENCE, '1')
  const third = await one.own(keyOf(3))
  await other.untilOwned(keyOf(2), { node: 'third-node', generation: 5 })
  await other.untilOwned(keyOf(3), { node: one.id, generation: third.generation })
  expect(snapshotsOf(other)).toBe(2)
  const fourth = await one.own(keyOf(4))
  await other.untilOwned(keyOf(4), { node: one.id, generation: fourth.generation })
  expect(snapshotsOf(other)).toBe(2)
})

test('a feed that lacks its last changes is noticed', async () => {
  const star = await RedisStar.open()
  const other = await star.start()
  await star.redis.cli('HSET', REGISTRY, keyOf(2), `third-node|5|${addressOf(keyOf(2))}`)
  await star.redis.cli('INCRBY', SEQUENCE, '1')
  await other.untilOwned(keyOf(2), { node: 'third-node', generation: 5 })
  expect(other.backplane.stats().feedLag).toBe(0)
})

test('a peer that another node took and released unnoticed is claimed again', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  const claim = await one.own(keyOf(1))
  await other.untilOwned(keyOf(1), { node: one.id, generation: claim.generation })
  await star.redis.cli('HDEL', REGISTRY, keyOf(1))
  await star.redis.cli('INCRBY', SEQUENCE, '2')
  await star.untilRegistered({ key: keyOf(1), node: one.id, generation: claim.generation })
})

test('changes after a claim are reported after it has settled', async () => {
  const star = await RedisStar.open()
  await using proxy = await FaultProxy.open(star.redis)
  const one = await star.start({ url: proxy.through(star.redis.url) })
  const other = await star.start()
  proxy.holdAnswers(/:commands\r\n/)
  const claim = one.claim(keyOf(1))
  await other.until('the claim', () => other.others.has(keyOf(1)))
  const { generation } = await other.own(keyOf(1))
  let wasSettled: boolean | undefined
  one.joined = (record) => {
    wasSettled = claim.isSettled
    one.others.set(record.key, record)
  }
  // Gives the feed time to arrive.
  await other.own(keyOf(2))
  await star.redis.cli('PING')
  proxy.releaseAnswers()
  await eventually('the takeover', () => one.others.get(keyOf(1))?.generation === generation)
  expect([wasSettled, claim.isLost]).toEqual([true, true])
})

test('a node that learns of another owner knows which node it is', async () => {
  const star = await RedisStar.open()
  await using proxy = await FaultProxy.open(star.redis)
  const one = await star.start({ url: proxy.through(star.redis.url) })
  const other = await star.start()
  proxy.holdAnswers(/:feed\r\n/)
  const held = await other.own(keyOf(1))
  const claim = one.claim(keyOf(1), { onlyIfFree: true })
  await settled(claim)
  expect(claim.isLost).toBe(true)
  expect(one.others.get(keyOf(1))).toMatchObject({ node: other.id, generation: held.generation })
  proxy.releaseAnswers()
})

test('malformed lines are counted, and the others are reported', async () => {
  const star = await RedisStar.open()
  const node = await star.start()
  const lines = [
    `+${keyOf(1)}\tsome-node|7|${addressOf(keyOf(1))}`,
    '+rubbish',
    `+${keyOf(2)}\tsome node|7|/address`,
    `+${keyOf(2)}\tnode|99999999999999999999|/address`,
    `+${keyOf(2)}\tnode|7|no-address`,
    `-${keyOf(2)}\tnode|x`,
    '?',
    'x not a node',
    `+${keyOf(3)}\tsome-node|8|/address`
  ]
  const sequence = await star.redis.cli('INCRBY', SEQUENCE, String(lines.length))
  await star.redis.cli('XADD', FEED, `${sequence}-0`, 'c', lines.join('\n'))
  await node.until('the last line', () => node.others.has(keyOf(3)))
  expect(node.told.slice(1)).toEqual([
    ['joined', keyOf(1), 7],
    ['joined', keyOf(3), 8]
  ])
  expect(node.backplane.stats()).toMatchObject({ refusedEnvelopes: { record: 7 }, feedLag: 0 })
})

test('an entry with a number from the future stops no node', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  await star.redis.cli('XADD', FEED, '999999-0', 'c', 'rubbish')
  const claim = await one.own(keyOf(1))
  await other.untilOwned(keyOf(1), { node: one.id, generation: claim.generation })
  // Once that has been noticed, no snapshot is needed.
  let index = 2
  await eventually('a change that is heard of', async () => {
    const key = keyOf(index++)
    const { generation } = await one.own(key)
    await other.untilOwned(key, { node: one.id, generation })
    return other.told.at(-1)?.[0] === 'joined'
  })
})

test('malformed records are left out of a snapshot, and their peers can be claimed', async () => {
  const star = await RedisStar.open()
  const key = keyOf(1)
  await star.redis.cli('HSET', REGISTRY, key, 'rubbish', 'no-key', 'node|7|/address', keyOf(2), 'node|7|/address')
  const [one, other] = await star.startTwo()
  expect([...other.others.keys()]).toEqual([keyOf(2)])
  expect(other.backplane.stats().refusedEnvelopes['record']).toBe(2)
  const claim = await one.own(key)
  await other.untilOwned(key, { node: one.id, generation: claim.generation })
})

test('a claim that other nodes could not parse is refused', async () => {
  const star = await RedisStar.open()
  const node = await star.start()
  node.claim('not a key')
  node.claim(keyOf(1), { address: '/an\naddress' })
  expect(node.backplane.stats().refusedEnvelopes['claim']).toBe(2)
  await node.own(keyOf(2))
  expect(await star.redis.cli('HKEYS', REGISTRY)).toBe(keyOf(2))
})
