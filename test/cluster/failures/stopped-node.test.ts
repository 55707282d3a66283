import { setTimeout as delay } from 'node:timers/promises'
import { eventually } from '@websocket-star/testkit'
import type { RedisServer } from '@websocket-star/testkit/processes'
import { expect, test } from 'vitest'
import { untilStatus } from '../../support/star-client.js'
import type { Load } from '../load.js'
import type { Side } from '../parties.js'
import { Observation } from './observation.js'
import { BYTES, LONG_TTL, expectNoResets, PATIENCE, ProcessStar, SHORT_TTL, startRedis } from './process-star.js'
import {
  allArrived,
  allReachAll,
  allReached,
  connectBetween,
  LOAD_PEERS,
  loadBetween,
  Resident,
  untilAllKnown
} from './residents.js'

/** Milliseconds that a node is stopped, at least. */
const STOPPED = 5_000
/** Milliseconds in which a sender that nothing holds sends more. */
const REST = 500

/** Bytes of a stream that may wait anywhere between a sender and a receiver who keep to windows: one, and a few pieces. */
const WAITING_MAX = 4_194_304 + 1_500_000
/** Bytes that a node may keep for two clients of another: a window, and the mark from which it does not read an old sender. */
const KEPT_MAX = 4_194_304 + 1_048_576 + 500_000
/** Bytes of one load: many times of all that. */
const LOAD = Math.max(BYTES, 48_000_000)
const LOST = 'The server of the other peer was lost'
/** As much as a link has under way, and an envelope or two beyond. */
const WINDOW = 4_194_304 + 300_000
/** Bytes by which the engine may grow: what is under way both ways, in its own buffers. */
const ENGINE_MAX = 2.5 * WINDOW

test(
  'a node that is stopped for five seconds and goes on has all in order, and nothing piles up for it',
  async () => {
    const redis = await startRedis()
    const star = await ProcessStar.start(redis, LONG_TTL)
    const [here, there] = star.pair
    const residents = await Resident.joinEach([here, there, here])
    await untilAllKnown(residents)
    const subscribers = await subscribersOf(redis)
    const { used: atRest } = await redis.memory()
    const observation = new Observation(redis, star.nodes)
    const loads = await loadBetween(here, there, { bytes: LOAD })
    await allReached(loads, 1_000_000)

    await there.pause()
    const stoppedAt = performance.now()
    // who is not concerned is not disturbed
    await residents[0]?.reach(residents[2] as Resident)
    await untilHeld(loads)
    await delay(STOPPED - (performance.now() - stoppedAt))
    // Nobody takes anything for the one that is stopped: all that has piled up for it is there now.
    for (const [name, value] of await here.metrics()) {
      if (name.startsWith('rendezvous_cluster_link_unacknowledged_bytes')) expect(value).toBeLessThan(WINDOW)
    }
    expect(await here.metric('rendezvous_cluster_kept_bytes')).toBeLessThan(KEPT_MAX)
    const waiting = loads.map(({ sent, received }) => sent - received)
    // Of the third, whose sender knows no windows, the kernel has as much as it likes.
    expect(Math.max(...waiting.slice(0, 2))).toBeLessThan(WAITING_MAX)
    expect((await redis.memory()).used - atRest).toBeLessThan(ENGINE_MAX)
    there.resume()
    const resumedAt = performance.now()
    await loads[0].reached(loads[0].received + 1_000_000)
    const wentOnAfter = Math.round(performance.now() - resumedAt)
    await allArrived(loads)

    const peaks = await observation.peaks('node stopped for 5 s', { wentOnAfter, waiting: waiting.join(' / ') })
    expect(peaks.engineBacklog).toBeLessThan(ENGINE_MAX)
    expect(await subscribersOf(redis)).toEqual(subscribers)
    await expectNoResets(star.nodes)
    expect(residents.flatMap(({ left }) => left)).toEqual([])
    await allReachAll(residents)
  },
  PATIENCE
)

test(
  'a node that is stopped for longer than its lease is given up, and comes back with all that nobody has taken over',
  async () => {
    const redis = await startRedis()
    const star = await ProcessStar.start(redis, SHORT_TTL)
    const [here, there] = star.pair
    const near = await Resident.join(here)
    const [far, mover] = [await Resident.join(there), await Resident.join(there)]
    await untilAllKnown([near, far, mover])
    const observation = new Observation(redis, star.nodes)
    const connections = await connectBetween(here, there)
    const broken = Promise.all(connections.flatMap(({ near: one, far: other }) => [endOf(one), endOf(other)]))

    await there.pause()
    const stoppedAt = performance.now()
    await near.untilMisses(far)
    const goneAfter = Math.round(performance.now() - stoppedAt)
    const moved = await Resident.join(here, mover)
    await delay(1.5 * SHORT_TTL - (performance.now() - stoppedAt))
    there.resume()
    const resumedAt = performance.now()
    const lost = expect.stringContaining(LOST)
    // The dialler of the second connection is a legacy client, for which a departure is a normal end.
    expect(await broken).toEqual([lost, lost, 'no error', lost])
    await untilStatus(mover.client, 'word of the other', () => mover.client.servers[0]?.state === 'taken-over')
    await untilAllKnown([near, far, moved])
    const agreedAfter = Math.round(performance.now() - resumedAt)
    await star.untilPeers(3 + LOAD_PEERS)
    expect((await star.registry()).get(moved.id)).toBe((await star.registry()).get(near.id))
    await allReachAll([near, far, moved])
    await observation.peaks('node stopped for longer than a lease', { goneAfter, agreedAfter })
  },
  PATIENCE
)

/** Waits until all that send are held: nobody sends more. */
async function untilHeld(loads: readonly Load[]): Promise<void> {
  await eventually('senders to be held', async () => {
    const before = loads.map(({ sent }) => sent)
    await delay(REST)
    return loads.every(({ sent }, index) => sent === before[index])
  })
}

/** What a side that receives is told at the end. */
async function endOf(side: Side): Promise<string> {
  return await side.receive(() => undefined).then(() => 'no error', String)
}

/** Ids of the connections that have subscribed. */
async function subscribersOf(redis: RedisServer): Promise<(string | undefined)[]> {
  return (await redis.clients('pubsub')).map((line) => /\bid=(\d+)/.exec(line)?.[1]).toSorted()
}
