import { randomBytes } from 'node:crypto'
import { eventually, within } from '@websocket-star/testkit'
import { freePort } from '@websocket-star/testkit/processes'
import { expect, test } from 'vitest'
import { LINKS_DEFAULTS } from '../../../src/cluster/links/options.js'
import { keyOf } from '../conformance/test-node.js'
import { RedisStar } from './redis-star.js'

test('all claims win that are made while connections are cut, and no others', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  const claims = []
  for (let round = 0; round < 10; round++) {
    for (let index = 0; index < 300; index++) claims.push(one.claim(keyOf(claims.length)))
    for (const claim of claims.slice(-100)) one.release(claim)
    const killed = star.redis.killClients('normal')
    for (let index = 0; index < 100; index++) claims.push(one.claim(keyOf(claims.length)))
    await killed
  }
  const held = claims.filter((_, index) => index % 400 < 200 || index % 400 >= 300)
  await eventually('all generations', () => held.every(({ generation = 0 }) => generation > 0))
  await star.untilRegistered(...held.map(({ key, generation = 0 }) => ({ key, node: one.id, generation })))
  await other.until('all of them', () => other.others.size === held.length)
  for (const { key, generation } of held) expect(other.owner(key)).toEqual({ node: one.id, generation })
  await eventually('nothing to be missed', () => other.backplane.stats().feedLag === 0)
})

test('a node logs which other nodes join and leave', async () => {
  const star = await RedisStar.open()
  const one = await star.start()
  await eventually('it to take part', () => one.log.some((line) => line.startsWith('this node takes part in the star')))
  const other = await star.start()
  const linesOf = (node: typeof one, about: string) =>
    node.log.filter((line) => line.includes('the star') && line.includes(about))
  await eventually('the other node to be logged', () => linesOf(one, other.id).length === 1)
  await eventually('all nodes to be logged', () => linesOf(other, one.id).length === 1)
  await other.backplane.stop()
  await eventually('its end to be logged', () => linesOf(one, other.id).length === 2)
  expect(linesOf(one, other.id)).toEqual([
    expect.stringContaining('a node joined the star'),
    expect.stringContaining('a node left the star')
  ])
  expect(linesOf(other, one.id)).toEqual([expect.stringMatching(/^this node takes part in the star .*"nodes":\[/)])
})

test('links survive when the connections under them are cut', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  const link = one.backplane.link(other.id)
  for (let round = 0; round < 5; round++) {
    for (let index = 0; index < 50; index++) link.send({ type: 'probe', id: round * 100 + index, key: keyOf(0) })
    await star.redis.killClients(round % 2 === 0 ? 'pubsub' : 'normal')
    for (let index = 50; index < 100; index++) link.send({ type: 'probe', id: round * 100 + index, key: keyOf(0) })
    await other.until('all frames', () => other.framesFrom(one).length >= (round + 1) * 100)
  }
  expect(other.framesFrom(one).map((frame) => frame.type === 'probe' && frame.id)).toEqual([...Array(500).keys()])
  expect(one.lostLinks).toEqual([])
})

test('links that cannot send for long are lost, and new ones work when Redis is back', async () => {
  const star = await RedisStar.open()
  const links = { ...LINKS_DEFAULTS, awayTimeout: 500 }
  const [one, other] = [await star.start({ links }), await star.start({ links })]
  one.backplane.link(other.id).send({ type: 'probe', id: 1, key: keyOf(0) })
  await other.until('the frame', () => other.framesFrom(one).length === 1)
  const lost = one.backplane.link(other.id)
  await star.redis.kill9()
  await one.until('the loss', () => one.lostLinks.includes(lost))
  await star.redis.restart()
  await one.until('the node to take part', () => !one.backplane.isFenced)
  await eventually('a link that works', () => {
    one.backplane.link(other.id).send({ type: 'probe', id: 2, key: keyOf(0) })
    return other.framesFrom(one).length > 1
  })
})

test('an inbox whose subscription Redis refuses is subscribed again as soon as possible', async () => {
  const star = await RedisStar.open()
  const [one, other] = await star.startTwo()
  await star.redis.cli('ACL', 'SETUSER', 'default', 'resetchannels')
  await eventually('the cut', async () => (await star.redis.clients('pubsub')).length === 0)
  const link = one.backplane.link(other.id)
  link.send({ type: 'probe', id: 1, key: keyOf(0) })
  const attempt = new RegExp(`name=${other.id}:inbox .* cmd=subscribe`)
  await eventually('an attempt', async () => attempt.test(await star.redis.cli('ACL', 'LOG')))
  await star.redis.cli('ACL', 'SETUSER', 'default', 'allchannels')
  await other.until('the frame', () => other.framesFrom(one).length === 1)
})

test('a start fails immediately if the Redis user lacks a permission', async () => {
  const user = { name: 'half', password: 'known', rules: '~ws* resetchannels +@all' }
  const star = await RedisStar.open({ user })
  await expect(within('the refusal', star.create().start())).rejects.toThrow(
    expect.objectContaining({ cause: expect.objectContaining({ message: expect.stringContaining('NOPERM') }) })
  )
})

test('garbage in the inbox is counted', async () => {
  const star = await RedisStar.open()
  const node = await star.start()
  const count = () => Object.values(node.backplane.stats().refusedEnvelopes).reduce((sum, some) => sum + some)
  const before = count()
  await star.redis.cli('PUBLISH', `ws{test}:in:${node.id}`, 'rubbish')
  await eventually('the count', () => count() === before + 1)
})

test('a start without Redis fails, and leaves nothing behind', async () => {
  const star = await RedisStar.open()
  const before = process.getActiveResourcesInfo().length
  const node = star.create({ url: `redis://127.0.0.1:${await freePort()}`, connectTimeout: 300 })
  await expect(within('the start', node.start())).rejects.toThrow(
    expect.objectContaining({
      message: expect.stringMatching(/^Redis at 127\.0\.0\.1:\d+ did not answer correctly within 300 ms$/),
      cause: expect.objectContaining({ message: expect.stringContaining('ECONNREFUSED') })
    })
  )
  await eventually('timers and sockets to be gone', () => process.getActiveResourcesInfo().length <= before)
})

test('a stop leaves nothing behind', async () => {
  const star = await RedisStar.open()
  const before = process.getActiveResourcesInfo().length
  const node = await star.start()
  await node.own(keyOf(1))
  await node.backplane.stop()
  await eventually('timers and sockets to be gone', () => process.getActiveResourcesInfo().length <= before)
  expect(await star.redis.cli('KEYS', '*:own:*')).toBe('')
  await star.untilRegistered()
})

test('a stop while Redis is paused ends in time', async () => {
  const star = await RedisStar.open()
  const node = await star.start()
  await star.redis.pause()
  await within('the stop', node.backplane.stop())
  star.redis.resume()
})

test('a password appears in no log and no error', async () => {
  const password = randomBytes(8).toString('hex')
  const wrong = randomBytes(8).toString('hex')
  const star = await RedisStar.open({ password })
  const node = await star.start()
  await node.own(keyOf(1))
  const stranger = star.create({ url: star.redis.url.replace(password, wrong) })
  const error = await within('the refusal', stranger.start()).catch((reason: unknown) => reason)
  expect(error).toMatchObject({
    message: expect.stringContaining('refused'),
    cause: { message: expect.stringContaining('WRONGPASS') }
  })
  expect(JSON.stringify([error, (error as Error).cause])).not.toContain(wrong)
  expect(stranger.log.length).toBeGreaterThan(0)
  expect([...stranger.log, ...node.log].join('\n')).not.toMatch(new RegExp(`${wrong}|${password}`))
})
