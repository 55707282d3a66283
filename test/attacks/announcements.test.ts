import { expect, test } from 'vitest'
import { createIdentities } from '../support/raw-identity.js'
import { NONE } from '../support/raw-peers.js'
import { wellBehavedPair } from '../support/raw-pair.js'
import { openStar } from '../support/raw-star.js'

test('an idle star tells each client of so many others at an interval, however many there are', async () => {
  const limits = { addressesPerSession: 1_000, joinRoundsPerSecond: 1_000_000 }
  const star = await openStar({ cryptoChallenge: false, limits, discovery: { interval: 200, window: 16 } })
  const [crowd, identities] = [await star.connect(NONE), await createIdentities(1_000)]
  await Promise.all(identities.map(async ({ id }) => await crowd.finishJoin(`${star.prefix}/ipfs/${id}`)))
  const listeners = await Promise.all(Array.from({ length: 20 }, async () => await star.join()))
  const told = (): number => star.server.stats().announcements
  /** What was told at each interval, or in a part of it: nothing else happens. */
  const steps: number[] = []
  for (let before = told(); steps.length < 5;) {
    await new Promise((resolve) => setImmediate(resolve))
    if (told() > before) steps.push(told() - before)
    before = told()
  }
  expect(Math.max(...steps)).toBeLessThanOrEqual(16 * listeners.length)
})

test('of a thousand who join each is told of a bounded number, and so are those who are there', async () => {
  const limits = { addressesPerSession: 1_000, joinRoundsPerSecond: 1_000_000 }
  const star = await openStar({ cryptoChallenge: false, limits, discovery: { joinList: 32 } })
  const pair = await wellBehavedPair(star)
  const [crowd, identities] = [await star.connect(), await createIdentities(1_000)]
  const started = Date.now()
  const answers = await Promise.all(
    identities.map(async ({ id }) => await crowd.finishJoin(`${star.prefix}/ipfs/${id}`))
  )
  const seconds = Math.floor((Date.now() - started) / 1000) + 2
  await pair.listener.settle()
  expect(star.server.stats().peers).toBe(1_002)
  expect(answers.map((listed) => listed.length)).toEqual(identities.map(() => 2))
  expect(pair.listener.announced.length).toBeLessThanOrEqual(256 * seconds)
  const [last] = await createIdentities(1)
  const listed = await (await star.connect()).join(last as (typeof identities)[0], star.prefix)
  expect(listed).toEqual(
    identities
      .toReversed()
      .slice(0, 32)
      .map(({ id }) => `${star.prefix}/ipfs/${id}`)
  )
  await pair.check()
})
