import { FaultProxy } from '@websocket-star/testkit'
import { expect, test } from 'vitest'
import { Load } from '../load.js'
import { expectNoResets, PATIENCE, ProcessStar, startRedis } from './process-star.js'
import { allArrived, allReachAll, connectBetween, Resident, untilAllKnown } from './residents.js'

/** Milliseconds that a busy machine keeps. */
const LEASE_TTL = 5_000
/** Bytes a second: what a node has under way to another, 4 MiB, takes longer than a lease lasts. */
const RATE = 700_000
const BYTES = 300_000
const PAIRS = 12

test(
  'a node with a slow line to Redis keeps its lease while that is full',
  async () => {
    const redis = await startRedis()
    await using line = await FaultProxy.open(redis)
    const star = await ProcessStar.start(redis, LEASE_TTL, [line.through(redis.url), redis.url])
    const [here, there] = star.pair
    const residents = await Resident.joinEach([here, there, here])
    await untilAllKnown(residents)
    const connections = await Promise.all(Array.from({ length: PAIRS }, () => connectBetween(here, there)))
    line.setRate(RATE)
    await allArrived(connections.flat().map(({ near, far }, seed) => new Load(near, far, { bytes: BYTES, seed })))

    for (const node of star.nodes) expect(node.log.filter((line) => line.includes('could not be renewed'))).toEqual([])
    expect(await star.givenUp()).toEqual([])
    await expectNoResets(star.nodes)
    expect(residents.flatMap(({ left }) => left)).toEqual([])
    await allReachAll(residents)
  },
  PATIENCE
)
