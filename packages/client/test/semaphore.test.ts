import { expect, test } from 'vitest'
import { Semaphore } from '../src/semaphore.js'

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, new Promise((resolve) => setImmediate(resolve, pending))])) !== pending
}

/** Acquires a permit with more time than a test takes. */
async function acquire(semaphore: Semaphore, signal?: AbortSignal): Promise<() => void> {
  const release = await semaphore.acquire(signal, 100_000)
  if (release === undefined) throw new Error('it took too long')
  return release
}

test('so many are taken at once, others wait in order', async () => {
  const semaphore = new Semaphore(2)
  const [one, two] = [await acquire(semaphore), await acquire(semaphore)]
  const [three, four] = [acquire(semaphore), acquire(semaphore)]
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
  const first = await acquire(semaphore)
  const stop = new AbortController()
  const given = acquire(semaphore, stop.signal)
  const next = acquire(semaphore)
  stop.abort(new Error('enough'))
  await expect(given).rejects.toThrow('enough')
  first()
  ;(await next)()
  ;(await acquire(semaphore))()
})

test('one that gives up when it is its turn passes it on', async () => {
  const semaphore = new Semaphore(1)
  const first = await acquire(semaphore)
  const stop = new AbortController()
  const given = acquire(semaphore, stop.signal)
  const next = acquire(semaphore)
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
  await expect(acquire(semaphore, AbortSignal.abort(new Error('late')))).rejects.toThrow('late')
  ;(await acquire(semaphore))()
})

test('one that has waited for too long gets none, and the next one does', async () => {
  const semaphore = new Semaphore(1)
  const first = await acquire(semaphore)
  const [late, next] = [semaphore.acquire(undefined, 10), acquire(semaphore)]
  expect(await late).toBeUndefined()
  first()
  ;(await next)()
})
