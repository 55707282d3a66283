import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { Observation } from './observation.js'
import {
  DEFAULT_TTL,
  expectNoResets,
  PATIENCE,
  ProcessStar,
  readinessOf,
  SHORT_TTL,
  startRedis
} from './process-star.js'
import { allArrived, allReachAll, allReached, loadBetween, Resident, untilAllKnown } from './residents.js'

test.each([
  ['three seconds, less than a third of a lease', DEFAULT_TTL, 3_000],
  ['longer than a lease', SHORT_TTL, 1.5 * SHORT_TTL]
])(
  'Redis is paused for %s: all comes in order, and nobody is taken for gone',
  async (length, leaseTtl, pause) => {
    const redis = await startRedis()
    const star = await ProcessStar.start(redis, leaseTtl, [redis.url, redis.url, redis.url])
    const [here, there] = star.pair
    const residents = await Resident.joinEach([...star.nodes, here])
    const [near, far, , neighbour] = residents as [Resident, Resident, Resident, Resident]
    await untilAllKnown(residents)
    const registry = await star.registry()
    const observation = new Observation(redis, star.nodes)
    const loads = await loadBetween(here, there)
    await allReached(loads, 1_000_000)

    await redis.pause()
    const end = delay(pause)
    await near.reach(neighbour)
    if (pause > leaseTtl) {
      await eventually('to be fenced', async () => (await readinessOf(here))[0] === 503)
      expect(await readinessOf(here)).toEqual([503, { status: 'fenced' }])
      expect(await near.failsToReach(far)).toContain('The server of that peer cannot be reached now')
      await near.reach(neighbour)
    }
    await end
    redis.resume()
    const resumedAt = performance.now()
    await loads[0].reached(loads[0].received + 1_000_000)
    const wentOnAfter = Math.round(performance.now() - resumedAt)
    for (const node of star.nodes) {
      await eventually('to be ready', async () => await node.isReady())
      expect(await node.metric('rendezvous_cluster_nodes')).toBe(star.nodes.length)
    }
    const readyAfter = Math.round(performance.now() - resumedAt)
    await allReachAll(residents)
    await allArrived(loads)
    // a lease that is taken for over by mistake would be by then
    await delay(leaseTtl - (performance.now() - resumedAt))
    expect(residents.flatMap(({ left }) => left)).toEqual([])
    for (const [id, node] of registry) expect((await star.registry()).get(id)).toBe(node)
    for (const node of star.nodes) expect(await node.metric('rendezvous_cluster_nodes')).toBe(star.nodes.length)
    expect(await star.givenUp()).toEqual([])
    await expectNoResets(star.nodes)
    await allReachAll(residents)
    await observation.peaks(`Redis paused for ${length}`, { wentOnAfter, readyAfter })
  },
  PATIENCE
)
