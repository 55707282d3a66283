import { eventually } from '@websocket-star/testkit'
import type { ConnectionType } from '@websocket-star/testkit/processes'
import { expect, test } from 'vitest'
import { Observation } from './observation.js'
import { BYTES, LONG_TTL, expectNoResets, PATIENCE, ProcessStar, startRedis } from './process-star.js'
import { allArrived, allReachAll, allReached, loadBetween, Resident, untilAllKnown } from './residents.js'

const TIMES = 5
/** Bytes of a load between two cuts. */
const STEP = (2 * BYTES) / (TIMES + 1)

/** Nobody receives more than this before it is raised, so that bytes are under way at each cut. */
class Limit {
  #bytes = STEP
  #waiting: (() => void)[] = []

  readonly pause = (received: number): Promise<void> | undefined =>
    received < this.#bytes ? undefined : new Promise((resolve) => this.#waiting.push(resolve))

  raise(bytes: number): void {
    this.#bytes = bytes
    for (const goOn of this.#waiting.splice(0)) goOn()
  }
}

test.each<[string, readonly ConnectionType[]]>([
  ['the connections that have subscribed', ['pubsub']],
  ['all connections', ['pubsub', 'normal']]
])(
  '%s are cut five times: all comes in order',
  async (which, types) => {
    const redis = await startRedis()
    const star = await ProcessStar.start(redis, LONG_TTL)
    const [here, there] = star.pair
    const residents = await Resident.joinEach([here, there])
    await untilAllKnown(residents)
    const observation = new Observation(redis, star.nodes)
    const limit = new Limit()
    const loads = await loadBetween(here, there, { bytes: (TIMES + 1) * STEP, pause: limit.pause })
    for (let cut = 1; cut <= TIMES; cut++) {
      await allReached(loads, cut * STEP)
      const subscribed = async () => (await redis.clients('pubsub')).length === star.nodes.length
      await eventually('all to have subscribed', subscribed)
      limit.raise(cut === TIMES ? Number.POSITIVE_INFINITY : (cut + 1) * STEP)
      for (const type of types) expect(await redis.killClients(type)).toBeGreaterThan(0)
    }
    await allArrived(loads)

    let sentAgain = 0
    for (const node of star.nodes) sentAgain += await node.metric('rendezvous_cluster_retransmits_total')
    expect(sentAgain).toBeGreaterThan(0)
    await observation.peaks(`${which} cut five times`)
    await expectNoResets(star.nodes)
    expect(residents.flatMap(({ left }) => left)).toEqual([])
    await allReachAll(residents)
  },
  PATIENCE
)
