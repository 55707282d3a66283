import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Observation } from './observation.js'
import { DEFAULT_TTL, expectNoResets, PATIENCE, ProcessStar, startRedis } from './process-star.js'
import { allArrived, allReachAll, allReached, LOAD_PEERS, loadBetween, Resident, untilAllKnown } from './residents.js'

/** Milliseconds that there is no Redis. */
const AWAY = 1_000

test.each([
  ['what it had saved before', false],
  ['nothing', true]
])(
  'Redis is killed and comes back with %s: all comes in order, and the registry is what the nodes say',
  async (data, isEmpty) => {
    const redis = await startRedis()
    const star = await ProcessStar.start(redis, DEFAULT_TTL, [redis.url, redis.url, redis.url])
    const [here, there] = star.pair
    const stayers = await Resident.joinEach(star.nodes)
    const [near, far] = stayers as [Resident, Resident]
    const [leaver, mover] = (await Resident.joinEach([there, there])) as [Resident, Resident]
    await untilAllKnown([...stayers, leaver, mover])
    await redis.save()
    // what is not saved: one comes, one goes
    const late = await Resident.join(there)
    const early = await Resident.join(here)
    await untilAllKnown([...stayers, leaver, mover, late, early])
    await early.client.close()
    await far.untilMisses(early)
    const observation = new Observation(redis, star.nodes)
    const loads = await loadBetween(here, there)
    await allReached(loads, 1_000_000)

    await redis.kill9()
    const back = delay(AWAY)
    // what nobody can be told of: one goes, one comes, one moves to another server
    await leaver.client.close()
    const newcomer = await Resident.join(there)
    await mover.client.close()
    const moved = await Resident.join(here, mover)
    await near.reach(moved)
    await back
    await redis.restart({ isEmpty })
    const restartedAt = performance.now()
    await loads[0].reached(loads[0].received + 1_000_000)
    const wentOnAfter = Math.round(performance.now() - restartedAt)

    const residents = [...stayers, late, newcomer, moved]
    await untilAllKnown(residents)
    for (const resident of residents) await resident.untilMisses(leaver)
    const knownAfter = Math.round(performance.now() - restartedAt)
    await allArrived(loads)
    // those of the loads are there as well
    await star.untilPeers(residents.length + LOAD_PEERS)
    const registry = await star.registry()
    expect(registry.get(moved.id)).toBe(registry.get(near.id))
    expect(registry.has(leaver.id)).toBe(false)
    expect(registry.has(early.id)).toBe(false)
    for (const { client } of residents) expect(client.peers.size).toBe(residents.length + LOAD_PEERS - 1)
    await allReachAll(residents)
    expect(await star.givenUp()).toEqual([])
    await expectNoResets(star.nodes)
    // nobody is said to have left who has not
    for (const { left } of stayers) expect([early.id, leaver.id, mover.id]).toEqual(expect.arrayContaining(left))
    await observation.peaks(`Redis killed, back with ${data}`, { wentOnAfter, knownAfter })
  },
  PATIENCE
)
