import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { RedisConnection } from '../../../src/cluster/redis/redis-connection.js'
import { StarCommands } from '../../../src/cluster/redis/star-commands.js'
import { starKeys } from '../../../src/cluster/redis/keys.js'
import { RecordReader } from '../../../src/cluster/redis/records.js'
import { addressOf, keyOf } from '../conformance/test-node.js'
import { RedisStar } from './redis-star.js'

const TTL = 10_000

async function openEngine(star: RedisStar, node: string): Promise<StarCommands> {
  const nothing = (): void => {}
  const options = { url: star.redis.url, name: `${node}:commands`, silence: TTL }
  const connection = new RedisConnection(options, nothing, nothing, { info: nothing, warn: nothing })
  onTestFinished(() => connection.close())
  connection.redis.connect().catch(nothing)
  await once(connection.redis, 'ready')
  return new StarCommands(connection, starKeys('test'), node, new RecordReader())
}

test('batches are applied in order and once, wherever they were delayed', async () => {
  const star = await RedisStar.open()
  const commands = await openEngine(star, 'one')
  const claim = ['c', keyOf(1), addressOf(keyOf(1))]
  expect(await commands.apply(1, claim)).toBe(undefined)
  expect(await commands.register(1, TTL, 0, 'epoch')).toMatchObject({ nodes: ['one'], epoch: 'epoch' })
  expect(await commands.apply(3, claim)).toBe(undefined)
  expect((await commands.apply(2, claim))?.generations).toEqual([expect.any(Number)])
  expect(await commands.apply(2, claim)).toBe(undefined)
  await commands.register(10, TTL, 0, 'another')
  // Sent over an earlier connection, and executed only now.
  expect(await commands.register(4, TTL, 0, 'another')).toBe(undefined)
  expect(await commands.apply(3, ['r', keyOf(1), ''])).toBe(undefined)
  expect(await commands.lookup(keyOf(1))).toMatchObject({ node: 'one', address: addressOf(keyOf(1)) })
})

test('a restored claim wins against older claims only', async () => {
  const star = await RedisStar.open()
  const [one, other] = [await openEngine(star, 'one'), await openEngine(star, 'other')]
  for (const commands of [one, other]) await commands.register(1, TTL, 0, 'epoch')
  const [key, address] = [keyOf(1), addressOf(keyOf(1))]
  // The peer has no owner.
  expect(await one.apply(2, ['s5', key, address])).toMatchObject({ generations: [5], sequence: 1 })
  // Unchanged, so that the feed gets no entry.
  expect(await one.apply(3, ['s5', key, address])).toMatchObject({ generations: [5], sequence: 1 })
  const held = { key, node: 'one', generation: 5, address }
  expect(await other.apply(2, ['s4', key, address])).toMatchObject({ generations: [0], elsewhere: [held], sequence: 1 })
  expect(await other.apply(3, ['s6', key, address])).toMatchObject({ generations: [6], elsewhere: [], sequence: 2 })
  expect(await star.redis.cli('EXISTS', 'ws{test}:own:one')).toBe('0')
  // Kept, although a claim would win.
  expect(await other.apply(4, ['c+', key, address])).toMatchObject({ generations: [6], sequence: 2 })
  expect(await other.apply(5, ['a+', key, address])).toMatchObject({ generations: [6], sequence: 2 })
  // A claim is newer than every restored one.
  expect(await one.apply(4, ['s9000000000000000', keyOf(2), address])).toMatchObject({ generations: [9e15] })
  expect((await one.apply(5, ['c', key, address]))?.generations[0]).toBeGreaterThan(9e15)
})
