import { eventually, FaultProxy } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { addressOf, keyOf, settled } from '../conformance/test-node.js'
import { RedisStar, SHORT } from './redis-star.js'

const KEY = keyOf(1)
const OTHER = keyOf(2)

test('a node that is cut off is fenced and removed; reconnected, it owns the peers that no other node took', async () => {
  const star = await RedisStar.open()
  await using proxy = await FaultProxy.open(star.redis)
  const lone = await star.start({ url: proxy.through(star.redis.url) })
  const rest = await star.start()
  const kept = await lone.own(KEY)
  const lost = await lone.own(OTHER)
  await rest.untilOwned(OTHER, { node: lone.id, generation: lost.generation })
  const link = rest.backplane.link(lone.id)
  link.send({ type: 'probe', id: 1, key: KEY })
  await lone.until('a frame', () => lone.framesFrom(rest).length === 1)

  proxy.cut('silent')
  await eventually('the lone node to be fenced', () => lone.backplane.isFenced)
  expect(rest.others.size).toBe(2)
  await rest.until('the peers to leave', () => rest.others.size === 0)
  await rest.until('the link to be lost', () => rest.lostLinks.includes(link))
  expect(rest.backplane.hasOthers).toBe(false)
  const taken = await rest.own(OTHER)
  const late = lone.claim(keyOf(3))
  await settled(late)
  expect(late.generation).toBe(undefined)

  proxy.reset()
  proxy.mend()
  await lone.untilOwned(OTHER, { node: rest.id, generation: taken.generation })
  await rest.untilOwned(KEY, { node: lone.id, generation: kept.generation })
  await rest.until('the late peer', () => rest.others.has(keyOf(3)))
  expect(lost.isLost).toBe(true)
  expect(lone.backplane.isFenced).toBe(false)
  const record = rest.others.get(keyOf(3))
  await star.untilRegistered(
    { key: KEY, node: lone.id, generation: kept.generation },
    { key: OTHER, node: rest.id, generation: taken.generation },
    { key: keyOf(3), node: lone.id, generation: record?.generation ?? 0 }
  )
})

test('thousands of peers of a lost node are removed without a trace', async () => {
  const star = await RedisStar.open()
  await using proxy = await FaultProxy.open(star.redis)
  const lone = await star.start({ url: proxy.through(star.redis.url) })
  const rest = await star.start()
  const claims = Array.from({ length: 2_500 }, (_, index) => lone.claim(keyOf(index)))
  await rest.until('all peers', () => rest.others.size === claims.length)
  proxy.cut('silent')
  await rest.until('all to leave', () => rest.others.size === 0)
  await star.untilRegistered()
  await eventually('all of it to be gone', async () => !(await star.redis.cli('KEYS', '*')).includes('own'))
  expect(await star.redis.cli('ZRANGE', 'ws{test}:nodes', '0', '-1')).toBe(rest.id)
  expect(await star.redis.cli('HKEYS', 'ws{test}:turns')).toBe(rest.id)
})

test('no node loses its lease when Redis is paused for longer than a lease', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  const claim = await one.own(KEY)
  await other.untilOwned(KEY, { node: one.id, generation: claim.generation })
  const epoch = await star.redis.cli('GET', 'ws{test}:epoch')
  await eventually('the first look', async () => (await star.redis.cli('HEXISTS', 'ws{test}:guard', 'looked')) === '1')

  await star.redis.pause()
  const waiting = one.claim(OTHER)
  await settled(waiting)
  expect(waiting.generation).toBe(undefined)
  expect(await one.backplane.lookup(KEY)).toBe(undefined)
  await eventually('both to be fenced', () => [one, other].every(({ backplane }) => backplane.isFenced))
  // The lease in Redis has expired by then.
  await new Promise((resolve) => setTimeout(resolve, SHORT.leaseTtl))
  star.redis.resume()

  await eventually('both to be healed', () => [one, other].every(({ backplane }) => !backplane.isFenced))
  await other.until('what was claimed meanwhile', () => other.others.has(OTHER))
  await eventually('its generation', () => (waiting.generation ?? 0) > 0)
  expect(other.others.get(OTHER)?.generation).toBe(waiting.generation)
  // The feed has no line about a lost node or a peer that left.
  expect(await star.redis.cli('XRANGE', 'ws{test}:feed', '-', '+')).not.toMatch(/^[x-]/m)
  expect(other.owner(KEY)).toEqual({ node: one.id, generation: claim.generation })
  expect(await star.redis.cli('GET', 'ws{test}:epoch')).toBe(epoch)
})

test('leases are renewed while Redis is out of memory; claims win when it has memory again', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  const claim = await one.own(KEY)
  await star.redis.cli('CONFIG', 'SET', 'maxmemory', '1')
  const refused = one.claim(OTHER, { address: addressOf(OTHER) })
  await settled(refused)
  expect(refused.generation).toBe(undefined)
  const before = await star.redis.cli('ZSCORE', 'ws{test}:nodes', other.id)
  await eventually('a renewal', async () => (await star.redis.cli('ZSCORE', 'ws{test}:nodes', other.id)) > before)
  expect(other.backplane.isFenced).toBe(false)
  await star.redis.cli('CONFIG', 'SET', 'maxmemory', '0')
  await other.until('the peer', () => other.others.has(OTHER))
  expect(other.owner(KEY)).toEqual({ node: one.id, generation: claim.generation })
})
