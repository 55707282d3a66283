import { eventually, FaultProxy } from '@websocket-star/testkit'
import type { RedisServer } from '@websocket-star/testkit/processes'
import { expect, test } from 'vitest'
import { Observation } from './observation.js'
import { LONG_TTL, expectNoResets, PATIENCE, ProcessStar, registryOf, startRedis } from './process-star.js'
import { allArrived, allReachAll, allReached, LOAD_PEERS, loadBetween, Resident, untilAllKnown } from './residents.js'

test(
  'a replica takes over that had not heard of all: what was lost is written again',
  async () => {
    const primary = await startRedis()
    const replica = await startRedis({ replicaOf: primary })
    await using replication = await FaultProxy.open(primary)
    await using way = await FaultProxy.open(primary)
    await replica.cli('REPLICAOF', '127.0.0.1', String(replication.port))
    const star = await ProcessStar.start(primary, LONG_TTL, Array<string>(3).fill(way.through(primary.url)))
    const [here, there] = star.pair
    const stayers = await Resident.joinEach(star.nodes)
    const [near] = stayers as [Resident]
    const [leaver, mover] = [await Resident.join(there), await Resident.join(there)]
    await untilAllKnown([...stayers, leaver, mover])
    await untilReplicated(primary, replica)

    // from here on the replica hears of nothing
    replication.cut('silent')
    const newcomer = await Resident.join(there)
    const moved = await Resident.join(here, mover)
    await leaver.client.close()
    const residents = [...stayers, newcomer, moved]
    await untilAllKnown(residents)
    for (const resident of residents) await resident.untilMisses(leaver)
    const observation = new Observation(replica, star.nodes)
    const loads = await loadBetween(here, there)
    await allReached(loads, 1_000_000)
    const lost = Number((await primary.info())['master_repl_offset']) - (await offsetOf(replica))
    const known = await star.registry()
    expect(known.get(moved.id)).toBe(known.get(near.id))

    await primary.kill9()
    const killedAt = performance.now()
    await replica.cli('REPLICAOF', 'NO', 'ONE')
    const promoted = await registryOf(replica)
    expect([promoted.has(newcomer.id), promoted.has(leaver.id)]).toEqual([false, true])
    way.lead(replica)
    await loads[0].reached(loads[0].received + 1_000_000)
    const wentOnAfter = Math.round(performance.now() - killedAt)
    const isSame = async (): Promise<boolean> => {
      const now = await registryOf(replica)
      return now.size === residents.length + LOAD_PEERS && residents.every(({ id }) => now.get(id) === known.get(id))
    }
    await eventually('the registry to be as it was', isSame)
    const writtenAfter = Math.round(performance.now() - killedAt)
    await allArrived(loads)
    await untilAllKnown(residents)
    for (const resident of residents) await resident.untilMisses(leaver)
    await allReachAll(residents)
    await expectNoResets(star.nodes)
    for (const { left } of stayers) expect([leaver.id, mover.id]).toEqual(expect.arrayContaining(left))
    expect(await replica.info()).toMatchObject({ role: 'master' })
    await observation.peaks('failover to a replica', { 'bytes not replicated': lost, wentOnAfter, writtenAfter })
  },
  PATIENCE
)

async function untilReplicated(primary: RedisServer, replica: RedisServer): Promise<void> {
  const probe = async () => (await offsetOf(replica)) >= Number((await primary.info())['master_repl_offset'])
  await eventually('the replica to have all', probe)
}

async function offsetOf(replica: RedisServer): Promise<number> {
  return Number((await replica.info())['slave_repl_offset'])
}
