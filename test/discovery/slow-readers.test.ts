import { expect, test } from 'vitest'
import { EXTENDED, openOneWay, Pump } from '../support/raw-flow.js'
import { NONE } from '../support/raw-peers.js'
import { openStar } from '../support/raw-star.js'
import { addressesOf, joinMany, settleAll } from './crowd.js'

/** Bytes unsent to a client from which on it is told of nobody. */
const SLOW_FROM = 262_144

test('a client that does not read is told of nobody, and of all who are there once it reads again', async () => {
  const star = await openStar({ discovery: { interval: 100 }, relay: { sessionCeiling: 2 * SLOW_FROM } })
  const [dialer, slow, others] = [await star.join(NONE), await star.join(EXTENDED), await joinMany(star, 10)]
  const { near, far } = await openOneWay(dialer, slow, 2 ** 24)
  slow.tcp.pause()
  const pump = new Pump(near, 60_000, 16_000_000)
  await star.counted('much unsent', ({ bufferedBytes }) => bufferedBytes > 2 * SLOW_FROM)
  await settleAll(others)
  const begun = slow.announced.length

  const brief = await joinMany(star, 10, NONE)
  for (const peer of others) await peer.until('news', () => (heardOf(peer.announced, brief) ? true : undefined))
  for (const peer of brief) peer.wire.close()
  await star.counted('their ends', ({ sessions }) => sessions === 12)
  const stays = await joinMany(star, 5, NONE)
  await settleAll(others)
  const rounds = others[0]?.announced.length ?? 0
  // Twenty rounds of announcements, of which nothing is kept for the one that does not read.
  await others[0]?.until('rounds', () => ((others[0]?.announced.length ?? 0) > rounds + 300 ? true : undefined))
  const { bufferedBytes } = star.server.stats()
  expect(bufferedBytes).toBeGreaterThan(SLOW_FROM)
  expect(bufferedBytes).toBeLessThan(8 * SLOW_FROM)

  slow.tcp.resume()
  const there = [dialer, ...others, ...stays]
  await slow.until('all who are there', () => (heardOf(slow.announced.slice(begun), there) ? true : undefined))
  expect(slow.announced.slice(begun).filter((address) => addressesOf(brief).includes(address))).toEqual([])
  await far.received(pump.chunks)
})

function heardOf(announced: readonly string[], peers: Parameters<typeof addressesOf>[0]): boolean {
  return addressesOf(peers).every((address) => announced.includes(address))
}
