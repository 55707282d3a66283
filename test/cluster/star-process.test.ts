import { existsSync } from 'node:fs'
import { eventually } from '@websocket-star/testkit'
import { RedisServer } from '@websocket-star/testkit/processes'
import { expect, test } from 'vitest'
import { joinClient } from '../support/star-client.js'
import { StarProcess } from '../support/star-process.js'
import { loadBothWays } from './load.js'
import { connectParties, joinParty } from './parties.js'

/** What the tests of several servers take for granted of the servers they start. */

test('serves clients, and says what it counts', async () => {
  await using star = await StarProcess.start({ flags: ['--discovery-window', '3'] })
  expect(await star.isReady()).toBe(true)
  await joinClient(star.url)
  expect(await star.metric('rendezvous_peers')).toBe(1)
  expect(await star.metric('rendezvous_refused_total{reason="nothing"}')).toBe(0)
  await expect(star.metric('rendezvous_nothing')).rejects.toThrow('no rendezvous_nothing')
  expect(await star.residentBytes()).toBeGreaterThan(10_000_000)
})

test('two share a star by Redis', async () => {
  await using redis = await RedisServer.start()
  await using here = await StarProcess.start({ redis: redis.url })
  await using there = await StarProcess.start({ redis: redis.url })
  const { near, far } = await connectParties(await joinParty('client', here), await joinParty('legacy', there))
  await Promise.all(loadBothWays(near, far, { bytes: 4_000_000 }).map(({ done }) => done))
  expect([await here.metric('rendezvous_sessions'), await there.metric('rendezvous_sessions')]).toEqual([1, 1])
})

test('paused, it answers when it is resumed', async () => {
  await using star = await StarProcess.start()
  await star.pause()
  const before = await star.cpuSeconds()
  let isAnswered = false
  const answer = star.isReady().finally(() => (isAnswered = true))
  await eventually('memory to be read', async () => (await star.residentBytes()) > 0)
  expect(await star.cpuSeconds()).toBe(before)
  expect(isAnswered).toBe(false)
  star.resume()
  expect(await answer).toBe(true)
})

test('ends, in whatever way', async () => {
  await using polite = await StarProcess.start()
  expect(await polite.terminate()).toEqual({ code: 0, signal: null })
  await using crashed = await StarProcess.start()
  await crashed.kill9()
  await expect(crashed.isReady()).rejects.toThrow('fetch failed')
  await using paused = await StarProcess.start()
  await paused.pause()
  await paused[Symbol.asyncDispose]()
  expect([polite, crashed, paused].map(({ pid }) => existsSync(`/proc/${pid}`))).toEqual([false, false, false])
})
