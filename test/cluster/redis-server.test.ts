import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@websocket-star/testkit'
import { RedisServer } from '@websocket-star/testkit/processes'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createCertificates } from '../support/certificates.js'

/** What the tests of several servers take for granted of the Redis they start. */

test('killed and started again, it has what it saved', async () => {
  await using redis = await RedisServer.start()
  await redis.cli('SET', 'kept', 'a b')
  await redis.save()
  await redis.cli('SET', 'lost', 'c')
  await redis.kill9()
  await expect(redis.cli('PING')).rejects.toThrow('Connection refused')
  await redis.restart()
  expect(await redis.cli('MGET', 'kept', 'lost')).toBe('a b')
  await redis.restart({ isEmpty: true })
  expect(await redis.cli('DBSIZE')).toBe('0')
})

test('paused, it answers when it is resumed', async () => {
  await using redis = await RedisServer.start()
  await redis.pause()
  let isAnswered = false
  const answer = redis.cli('PING').finally(() => (isAnswered = true))
  expect(await redis.cpuSeconds()).toBe(await redis.cpuSeconds())
  expect(isAnswered).toBe(false)
  redis.resume()
  expect(await answer).toBe('PONG')
})

test('cuts the connections of one class', async () => {
  await using redis = await RedisServer.start()
  const subscriber = connect(redis.port, '127.0.0.1')
  subscriber.write('SUBSCRIBE news\r\n')
  await eventually('a subscriber', async () => (await redis.clients('pubsub')).length === 1)
  const cut = new Promise((resolve) => subscriber.resume().once('close', resolve))
  expect(await redis.killClients('pubsub')).toBe(1)
  await cut
  expect(await redis.clients('pubsub')).toEqual([])
})

test('asks for a password, or for a user who may do less, and serves TLS', async () => {
  await using certificates = await createCertificates()
  const user = { name: 'star', password: 'p@ss/word', rules: '~ws* &ws* +@all -@admin' }
  await using redis = await RedisServer.start({ tls: certificates, user })
  expect(redis.url).toBe(`rediss://star:p%40ss%2Fword@127.0.0.1:${redis.port}`)
  expect(await redis.cli('ACL', 'WHOAMI')).toBe('default')
  expect(await redis.cli('ACL', 'DRYRUN', 'star', 'SET', 'other', '1')).toContain('no permissions')
  expect(await redis.cli('ACL', 'DRYRUN', 'star', 'SET', 'ws{star}:gen', '1')).toBe('OK')
})

test('a replica has all of it when it is ready, and takes over', async () => {
  await using primary = await RedisServer.start({ password: 'secret' })
  await primary.cli('SET', 'key', 'value')
  await using replica = await RedisServer.start({ replicaOf: primary, password: 'secret' })
  expect(await replica.cli('GET', 'key')).toBe('value')
  await primary.kill9()
  await replica.cli('REPLICAOF', 'NO', 'ONE')
  await replica.cli('SET', 'key', 'new')
})

test('says what it uses', async () => {
  await using redis = await RedisServer.start({ config: { maxmemory: '64mb' } })
  const { used, peak } = await redis.memory()
  expect(used).toBeGreaterThan(0)
  expect(peak).toBeGreaterThanOrEqual(used)
  expect(await redis.info()).toMatchObject({ redis_mode: 'standalone', maxmemory: '67108864' })
})

test('leaves nothing behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'of-its-own-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())

  const redis = await RedisServer.start()
  const { pid } = redis
  expect(existsSync(`/proc/${pid}`)).toBe(true)
  expect(await readdir(folder)).toHaveLength(1)
  await redis.pause()
  await redis[Symbol.asyncDispose]()
  expect(existsSync(`/proc/${pid}`)).toBe(false)
  await expect(RedisServer.start({ config: { nonsense: 'yes' } })).rejects.toThrow('Bad directive')
  expect(await readdir(folder)).toEqual([])
})
