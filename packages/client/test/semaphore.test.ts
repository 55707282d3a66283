import { expect, test } from 'vitest'
import { Semaphore } from '../src/semaphore.js'

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) !== pending
}

test('so many are taken at once, others wait in order', async () => {
  const semaphore = new Semaphore(2)
  const [one, two] = [await semaphore.acquire(undefined), await semaphore.acquire(undefined)]
  const [three, four] = [semaphore.acquire(undefined), semaphore.acquire(undefined)]
  expect(await isSettled(three)).toBe(false)
  one()
  one()
  const release = await three
  expect(await isSettled(four)).toBe(false)
  two()
  ;(await four)()
  release()
})

test('one that gives up makes room for the next', async () => {
  const semaphore = new Semaphore(1)
  const first = await semaphore.acquire(undefined)
  const stop = new AbortController()
  const given = semaphore.acquire(stop.signal)
  const next = semaphore.acquire(undefined)
  stop.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  first()
  ;(await next)()
  ;(await semaphore.acquire(undefined))()
})

test('one that gives up when it is its turn passes it on', async () => {
  const semaphore = new Semaphore(1)
  const first = await semaphore.acquire(undefined)
  const stop = new AbortController()
  const given = semaphore.acquire(stop.signal)
  const next = semaphore.acquire(undefined)
  first()
  stop.abort(new Error('enough'))
  // Whether it was granted or not, the permit must be free again.
  await given.then(
    (release) => release(),
    () => {}
  )
  ;(await next)()
})

test('a signal that has aborted takes none', async () => {
  const semaphore = new Semaphore(1)
  await expect(semaphore.acquire(AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
  ;(await semaphore.acquire(undefined))()
})
