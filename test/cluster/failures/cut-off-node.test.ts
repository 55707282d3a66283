import { eventually, FaultProxy } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { untilStatus } from '../../support/star-client.js'
import { Observation } from './observation.js'
import { PATIENCE, ProcessStar, readinessOf, SHORT_TTL, startRedis } from './process-star.js'
import { allArrived, allReachAll, loadBetween, Resident, untilAllKnown } from './residents.js'

const CANNOT_REACH = 'The server of that peer cannot be reached now'

test.each(['silent', 'refusing'] as const)(
  'a node is cut off from a %s Redis for longer than its lease, and healed: each peer has one holder',
  async (fault) => {
    const redis = await startRedis()
    await using proxy = await FaultProxy.open(redis)
    const star = await ProcessStar.start(redis, SHORT_TTL, [redis.url, proxy.through(redis.url), redis.url])
    const [here, there] = star.pair
    const third = star.nodes[2] ?? here
    const [near, other] = [await Resident.join(here), await Resident.join(third)]
    const [far, neighbour] = [await Resident.join(there), await Resident.join(there)]
    const [leaver, mover, remover] = [await Resident.join(there), await Resident.join(there), await Resident.join(here)]
    await untilAllKnown([near, other, far, neighbour, leaver, mover, remover])
    const observation = new Observation(redis, star.nodes)
    const unconcerned = await loadBetween(here, third)
    const concerned = await loadBetween(here, there, { bytes: 1_000_000_000 })
    await Promise.all(concerned.map((load) => load.reached(1_000_000)))

    proxy.cut(fault)
    const cutAt = performance.now()
    const since = (): number => Math.round(performance.now() - cutAt)
    await eventually('to be fenced', async () => (await readinessOf(there))[0] === 503)
    const fencedAfter = since()
    expect(await readinessOf(there)).toEqual([503, { status: 'fenced' }])
    expect(await there.metric('rendezvous_cluster_fenced')).toBe(1)
    await far.reach(neighbour)
    expect(await far.failsToReach(near)).toContain(CANNOT_REACH)

    for (const one of [near, other]) await one.untilMisses(far)
    const goneAfter = since()
    expect(await readinessOf(here)).toEqual([200, { status: 'ready' }])
    // meanwhile: two go, to and from the one that is cut off, one leaves, one comes
    const moved = await Resident.join(third, mover)
    const removed = await Resident.join(there, remover)
    await leaver.client.close()
    const newcomer = await Resident.join(there)
    await removed.reach(newcomer)
    await near.reach(moved)

    proxy.reset()
    proxy.mend()
    const mendedAt = performance.now()
    const residents = [near, other, far, neighbour, moved, removed, newcomer]
    await eventually('to be ready', async () => await there.isReady())
    const readyAfter = Math.round(performance.now() - mendedAt)
    await untilAllKnown(residents)
    const agreedAfter = Math.round(performance.now() - mendedAt)
    await untilStatus(mover.client, 'word of the other', () => mover.client.servers[0]?.state === 'taken-over')
    await untilStatus(remover.client, 'word of the other', () => remover.client.servers[0]?.state === 'taken-over')
    for (const one of residents) await one.untilMisses(leaver)
    await star.untilPeers(residents.length + 8)
    const registry = await star.registry()
    const nodeOf = ({ id }: Resident): string | undefined => registry.get(id)
    expect([far, neighbour, removed, newcomer].map(nodeOf)).toEqual(Array(4).fill(nodeOf(far)))
    expect(nodeOf(moved)).toBe(nodeOf(other))
    await allReachAll(residents)
    for (const { left } of [far, neighbour]) expect(left).not.toEqual(expect.arrayContaining([near.id]))
    for (const one of [near, other]) expect([...one.left].filter((id) => id === moved.id)).toHaveLength(1)
    await allArrived(unconcerned)
    const failures = await Promise.all(concerned.map((load) => load.failed()))
    for (const { message } of failures) expect(message).toContain('The server of the other peer was lost')
    await observation.peaks(`node cut off, ${fault}`, { fencedAfter, goneAfter, readyAfter, agreedAfter })
  },
  PATIENCE
)
