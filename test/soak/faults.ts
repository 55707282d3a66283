import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '@websocket-star/testkit'
import type { Road } from './roads.js'

/** A fault of a road that has been chosen, with all its details. */
export interface RoadFault {
  readonly kind: string
  /** What it does, for the log. */
  readonly text: string
  /** Resolves once the road works again. */
  run(): Promise<void>
}

type Draw = (road: Road, random: Random) => RoadFault

const KINDS: readonly Draw[] = [reset, refuse, silence, loseSilently, slow, narrow]

/** Returns the next fault, by chance alone, so that a seed gives the same ones again. */
export function drawFault(random: Random, roads: readonly Road[]): RoadFault {
  return random.pick(KINDS)(random.pick(roads), random)
}

function reset(road: Road): RoadFault {
  return fault('road reset', road, 'loses all connections', async () => {
    const mended = road.note('cut')
    road.proxy.reset()
    mended()
  })
}

function refuse(road: Road, random: Random): RoadFault {
  const ms = 300 + random.below(3_000)
  return fault('road closed', road, `refuses all connections for ${ms} ms`, async () => {
    const mended = road.note('cut')
    road.proxy.cut('refusing')
    await delay(ms)
    road.proxy.mend()
    mended()
  })
}

function silence(road: Road, random: Random): RoadFault {
  const ms = 300 + random.below(1_500)
  return fault('road silent', road, `is silent for ${ms} ms`, async () => {
    const mended = road.note('silent')
    road.proxy.cut('silent')
    await delay(ms)
    road.proxy.mend()
    mended()
  })
}

function loseSilently(road: Road, random: Random): RoadFault {
  const ms = 1_000 + random.below(4_000)
  return fault('road lost', road, `is silent for ${ms} ms, then loses all connections`, async () => {
    const mended = road.note('cut')
    road.proxy.cut('silent')
    await delay(ms)
    road.proxy.reset()
    road.proxy.mend()
    mended()
  })
}

function slow(road: Road, random: Random): RoadFault {
  const [latency, ms] = [20 + random.below(130), 2_000 + random.below(4_000)]
  return fault('road long', road, `takes ${latency} ms for ${ms} ms`, async () => {
    road.proxy.setLatency(latency)
    await delay(ms)
    road.proxy.setLatency(0)
  })
}

function narrow(road: Road, random: Random): RoadFault {
  const [megabytes, ms] = [1 + random.below(4), 2_000 + random.below(4_000)]
  return fault('road narrow', road, `has ${megabytes} MB/s for ${ms} ms`, async () => {
    road.proxy.setRate(megabytes * 1_000_000)
    await delay(ms)
    road.proxy.setRate(Number.POSITIVE_INFINITY)
  })
}

function fault(kind: string, road: Road, what: string, run: () => Promise<void>): RoadFault {
  return { kind, text: `${road.name} ${what}`, run }
}
