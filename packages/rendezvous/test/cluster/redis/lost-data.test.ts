import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { keyOf, type TestNode } from '../conformance/test-node.js'
import { RedisStar } from './redis-star.js'

const KEY = keyOf(1)
const OTHER = keyOf(2)

/** Starts two nodes, each with a peer that the other knows. */
async function acquainted(star: RedisStar) {
  const [one, other] = await star.startTwo()
  const claims = [await one.own(KEY), await other.own(OTHER)] as const
  const owners = [
    { key: KEY, node: one.id, generation: claims[0].generation },
    { key: OTHER, node: other.id, generation: claims[1].generation }
  ] as const
  await one.untilOwned(OTHER, owners[1])
  await other.untilOwned(KEY, owners[0])
  return { one, other, claims, owners }
}

/** Waits until a node gets another snapshot. */
async function anew(node: TestNode, snapshots: number): Promise<void> {
  await node.until('another snapshot', () => snapshotsOf(node) > snapshots)
}

function snapshotsOf(node: TestNode): number {
  return node.told.filter(([what]) => what === 'snapshot').length
}

test('lost records are written again unchanged', async () => {
  const star = await RedisStar.open()
  const { one, other, owners } = await acquainted(star)
  const epoch = await star.redis.cli('GET', 'ws{test}:epoch')
  await star.redis.cli('FLUSHALL')
  await star.untilRegistered(...owners)
  await eventually('another epoch', async () => (await star.redis.cli('GET', 'ws{test}:epoch')) !== epoch)
  await other.untilOwned(KEY, owners[0])
  await one.untilOwned(OTHER, owners[1])
  const { generation } = await other.own(KEY)
  expect(generation).toBeGreaterThan(owners[0].generation)
  await one.untilOwned(KEY, { node: other.id, generation })
})

test('a claim after a loss is newer than all before', async () => {
  const star = await RedisStar.open()
  const { one, other, owners } = await acquainted(star)
  await star.redis.cli('FLUSHALL')
  const third = await star.start()
  const { generation } = await third.own(KEY)
  expect(generation).toBeGreaterThan(owners[0].generation)
  for (const node of [one, other]) await node.untilOwned(KEY, { node: third.id, generation })
  await star.untilRegistered({ key: KEY, node: third.id, generation }, owners[1])
})

test('a Redis that restarts empty gets its data again', async () => {
  const star = await RedisStar.open()
  const { one, other, owners, claims } = await acquainted(star)
  await star.redis.kill9()
  // No node can be notified now.
  one.release(claims[0])
  const third = other.claim(keyOf(3))
  await star.redis.restart({ isEmpty: true })
  await one.until('the new peer', () => one.others.has(keyOf(3)))
  await eventually('its generation', () => third.generation !== undefined)
  await star.untilRegistered(owners[1], { key: keyOf(3), node: other.id, generation: third.generation ?? 0 })
  await other.until('the released peer to be gone', () => !other.others.has(KEY))
})

test('a Redis that restarts with old data gets the changes since', async () => {
  const star = await RedisStar.open()
  const { one, other, owners, claims } = await acquainted(star)
  await star.redis.save()
  one.release(claims[0])
  await other.untilOwned(KEY, undefined)
  const later = await one.own(keyOf(3))
  const snapshots = snapshotsOf(other)
  await star.redis.restart()
  await anew(other, snapshots)
  await star.untilRegistered(owners[1], { key: keyOf(3), node: one.id, generation: later.generation })
  await other.until('the same', () => other.others.size === 1 && other.others.has(keyOf(3)))
})

test('lost changes are noticed by their numbers', async () => {
  const star = await RedisStar.open()
  const { one, other, owners } = await acquainted(star)
  const epoch = await star.redis.cli('GET', 'ws{test}:epoch')
  // A change that both have read.
  await star.redis.cli('HDEL', 'ws{test}:reg', KEY)
  await star.redis.cli('DECRBY', 'ws{test}:seq', '1')
  await star.untilRegistered(...owners)
  expect(await star.redis.cli('GET', 'ws{test}:epoch')).not.toBe(epoch)
  const { generation } = await one.own(keyOf(3))
  await other.untilOwned(keyOf(3), { node: one.id, generation })
})

test('scripts that Redis lost are sent again', async () => {
  const star = await RedisStar.open()
  const { one, other } = await acquainted(star)
  await star.redis.cli('SCRIPT', 'FLUSH')
  const claims = Array.from({ length: 3_000 }, (_, index) => one.claim(keyOf(10 + index)))
  await other.until('all peers', () => other.others.size === claims.length + 1)
  await eventually('all generations', () => claims.every(({ generation = 0 }) => generation > 0))
})

test('a Redis that becomes a replica, and then a primary again', async () => {
  const star = await RedisStar.open()
  const rival = await RedisStar.open()
  const { one, other, owners } = await acquainted(star)
  await star.redis.cli('REPLICAOF', '127.0.0.1', String(rival.redis.port))
  await eventually('both to be fenced', () => [one, other].every(({ backplane }) => backplane.isFenced))
  await star.redis.cli('REPLICAOF', 'NO', 'ONE')
  await eventually('both to be healed', () => [one, other].every(({ backplane }) => !backplane.isFenced))
  await star.untilRegistered(...owners)
  await other.untilOwned(KEY, owners[0])
})
