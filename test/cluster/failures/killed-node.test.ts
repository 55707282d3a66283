import { within } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import type { Side } from '../parties.js'
import { Observation } from './observation.js'
import { DEFAULT_TTL, PATIENCE, ProcessStar, startRedis, tallyOf } from './process-star.js'
import {
  allArrived,
  allReachAll,
  connectBetween,
  LEGACY,
  LOAD_PEERS,
  loadBetween,
  Resident,
  untilAllKnown
} from './residents.js'

const PIECE = Buffer.alloc(65_536)

test(
  'a node is killed: streams end, its peers leave, and one that has come back elsewhere stays',
  async () => {
    const redis = await startRedis()
    const star = await ProcessStar.start(redis, DEFAULT_TTL, [redis.url, redis.url, redis.url])
    const [here, there] = star.pair
    const third = star.nodes[2] ?? here
    const near = await Resident.join(here)
    const other = await Resident.join(third)
    const [lost, mover] = [await Resident.join(there), await Resident.join(there)]
    await untilAllKnown([near, other, lost, mover])
    const observation = new Observation(redis, star.nodes)
    const connections = await connectBetween(here, there)
    const unconcerned = await loadBetween(here, third)
    const broken = Promise.all(connections.map((sides, index) => ends(sides, index === LEGACY)))

    await there.kill9()
    const killedAt = performance.now()
    const since = (): number => Math.round(performance.now() - killedAt)
    const moved = await Resident.join(third, mover)
    const errors = await within('all streams to end', broken)
    const endedAfter = since()
    // Streams need not wait for the end of its lease, by which its peers leave.
    expect([near, other].map((one) => one.knows(lost))).toEqual([true, true])
    // The old server ended streams normally when a peer was lost, and so old applications expect.
    expect(errors[LEGACY]).toEqual([undefined])
    for (const error of errors.filter((_, index) => index !== LEGACY).flat()) {
      expect(String(error)).toContain('The server of the other peer was lost')
    }
    expect(await tallyOf(here, 'rendezvous_stream_resets_total')).toEqual({ 'node lost': connections.length })
    await near.reach(moved)

    for (const one of [near, other]) await one.untilMisses(lost)
    await star.untilPeers(3 + LOAD_PEERS + LOAD_PEERS / 2, [here, third])
    const goneAfter = since()
    await allArrived(unconcerned)
    const registry = await star.registry()
    expect(registry.get(moved.id)).toBe(registry.get(other.id))
    for (const one of [near, other]) expect(one.left).not.toContain(moved.id)
    await allReachAll([near, other, moved])
    for (const node of [here, third]) expect(await node.metric('rendezvous_cluster_nodes')).toBe(2)
    expect(await star.givenUp()).toHaveLength(1)
    await observation.peaks('receiving node killed', { endedAfter, goneAfter })
  },
  PATIENCE
)

/**
 * Sends both ways as fast as it can.
 *
 * @returns what that ends with at the near side: for a legacy client on the half that it receives alone, for it does not
 * listen to anything on the other
 */
async function ends({ near, far }: { near: Side; far: Side }, isLegacy: boolean): Promise<unknown[]> {
  const ended = new AbortController()
  flood(far, ended.signal).catch(() => {})
  far.receive(() => undefined).catch(() => {})
  const sending = flood(near, ended.signal).catch((error: unknown) => error)
  const received = await near.receive(() => undefined).catch((error: unknown) => error)
  if (!isLegacy) await sending
  ended.abort()
  return isLegacy ? [received] : [received, await sending]
}

async function flood(side: Side, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await side.send(PIECE)
}
