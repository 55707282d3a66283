import { setTimeout as delay } from 'node:timers/promises'
import type { Random } from '@websocket-star/testkit'
import type { RedisServer } from '@websocket-star/testkit/processes'
import type { Judge } from './judge.js'
import { LEASE, type NodeLife, type Place, type Places } from './nodes.js'

/** What faults are done to. */
interface Stage {
  readonly redis: RedisServer
  readonly places: Places
  readonly judge: Judge
}

/** A fault that has been chosen, with all its details. */
export interface Fault {
  readonly kind: string
  /** What it does, for the log. */
  readonly text: string
  /** Number of the place it is done to, or the engine: no two faults have the same target at a time. */
  readonly target: number | 'engine'
  /** Resolves once what was broken works again. */
  run(stage: Stage): Promise<void>
}

/** Milliseconds: so short that nobody may lose anything. */
const SHORT = [300, 1_200] as const
/** Milliseconds: so long that a node is given up, or a connection. */
const LONG = [LEASE + 1_000, LEASE + 4_000] as const

type Draw = (random: Random, places: number) => Fault

/** All kinds, with how often they are chosen in proportion. */
const KINDS: readonly (readonly [number, Draw])[] = [
  [3, (random, places) => stopNode(random.below(places), between(random, ...SHORT), 'node stopped, short')],
  [3, (random, places) => stopNode(random.below(places), between(random, ...LONG), 'node stopped, long')],
  [3, (random, places) => killNode(random.below(places), between(random, 0, 3_000))],
  [2, (random, places) => drainNode(random.below(places), random.chance(0.5))],
  [2, (random) => pauseEngine(between(random, ...SHORT), 'engine stopped, short')],
  [2, (random) => pauseEngine(between(random, ...LONG), 'engine stopped, long')],
  [2, (random) => killEngine(between(random, 0, 3_000), 'empty')],
  [2, (random) => killEngine(between(random, 0, 3_000), random.chance(0.5) ? 'saved' : 'old')],
  [3, (random) => cutConnections('pubsub', 1 + random.below(5), between(random, 50, 400))],
  [2, (random) => cutConnections('normal', 1 + random.below(3), between(random, 50, 400))],
  [2, (random, places) => cutWay(random, places, SHORT, 'node cut off, short')],
  [3, (random, places) => cutWay(random, places, LONG, 'node cut off, long')],
  [2, (random, places) => slowWay(random.below(places), between(random, 20, 150), between(random, 2_000, 6_000))],
  [2, (random, places) => narrowWay(random.below(places), between(random, 2, 12), between(random, 2_000, 6_000))],
  [1, () => flush()]
]

/** The next fault: by chance alone, and not by what became of those before, so that a seed gives the same ones again. */
export function drawFault(random: Random, places: number): Fault {
  let left = random.next() * KINDS.reduce((sum, [weight]) => sum + weight, 0)
  for (const [weight, draw] of KINDS) {
    left -= weight
    if (left < 0) return draw(random, places)
  }
  return flush()
}

function between(random: Random, least: number, most: number): number {
  return least + random.below(most - least + 1)
}

function stopNode(index: number, ms: number, kind: string): Fault {
  return onNode(kind, `n${index} is stopped for ${ms} ms`, index, async (life, _place, { judge }) => {
    const heard = judge.silent(life)
    life.isPaused = true
    await life.process.pause()
    await delay(ms)
    life.process.resume()
    life.isPaused = false
    heard()
  })
}

function killNode(index: number, ms: number): Fault {
  const text = `n${index} is killed, another one starts after ${ms} ms`
  return onNode('node killed', text, index, async (life, place) => {
    life.killedAt = performance.now()
    life.isOver = true
    await life.process.kill9()
    await delay(ms)
    await place.start()
  })
}

function drainNode(index: number, isEarly: boolean): Fault {
  const text = `n${index} is drained, another one starts ${isEarly ? 'at once' : 'when it is gone'}`
  return onNode('node drained', text, index, async (life, place) => {
    life.drainedAt = performance.now()
    const ended = life.process.terminate().then(({ code }) => {
      life.isOver = true
      if (code !== 0) throw new Error(`${life.name} ended with ${code} when it was drained`)
    })
    if (isEarly) await Promise.all([ended, place.start()])
    else await ended.then(() => place.start())
  })
}

function onNode(
  kind: string,
  text: string,
  index: number,
  run: (life: NodeLife, place: Place, stage: Stage) => Promise<void>
): Fault {
  return {
    kind,
    text,
    target: index,
    async run(stage) {
      const place = stage.places.at(index)
      if (place.life !== undefined) await run(place.life, place, stage)
    }
  }
}

function onEngine(kind: string, text: string, run: (stage: Stage) => Promise<void>): Fault {
  return { kind, text, target: 'engine', run }
}

function pauseEngine(ms: number, kind: string): Fault {
  return onEngine(kind, `Redis is stopped for ${ms} ms`, async ({ redis, judge }) => {
    const heard = judge.silent(undefined)
    await redis.pause()
    await delay(ms)
    redis.resume()
    heard()
  })
}

function killEngine(ms: number, after: 'empty' | 'saved' | 'old'): Fault {
  const what = {
    empty: 'empty',
    saved: 'with what it saved a moment before',
    old: 'with what it saved last, if anything'
  }
  const text = `Redis is killed and started after ${ms} ms, ${what[after]}`
  return onEngine(`engine killed, ${after}`, text, async ({ redis, judge }) => {
    if (after === 'saved') await redis.save()
    const heard = judge.silent(undefined)
    await redis.kill9()
    await delay(ms)
    await redis.restart({ isEmpty: after === 'empty' })
    heard()
    // for later
    if (after !== 'saved') await redis.save()
  })
}

function cutConnections(type: 'pubsub' | 'normal', times: number, pause: number): Fault {
  const text = `${type} connections to Redis are cut ${times} times, each ${pause} ms`
  return onEngine(`${type} connections cut`, text, async ({ redis }) => {
    for (let time = 0; time < times; time++) {
      await redis.killClients(type)
      await delay(pause)
    }
  })
}

function cutWay(random: Random, places: number, [least, most]: readonly [number, number], kind: string): Fault {
  const index = random.below(places)
  const ms = between(random, least, most)
  const mode = random.pick(['silent', 'refusing'] as const)
  return onNode(kind, `n${index} is cut off for ${ms} ms, ${mode}`, index, async (life, { way }, { judge }) => {
    const heard = judge.silent(life)
    way.cut(mode)
    await delay(ms)
    way.mend()
    heard()
  })
}

function slowWay(index: number, latency: number, ms: number): Fault {
  const text = `what n${index} and Redis say takes ${latency} ms for ${ms} ms`
  return onNode('node far away', text, index, async (_life, { way }) => {
    way.setLatency(latency)
    await delay(ms)
    way.setLatency(0)
  })
}

function narrowWay(index: number, megabytes: number, ms: number): Fault {
  const text = `n${index} and Redis have ${megabytes} MB/s for ${ms} ms`
  return onNode('node throttled', text, index, async (_life, { way }) => {
    way.setRate(megabytes * 1_000_000)
    await delay(ms)
    way.setRate(Number.POSITIVE_INFINITY)
  })
}

function flush(): Fault {
  return onEngine('engine flushed', 'FLUSHALL', async ({ redis }) => {
    await redis.cli('FLUSHALL')
  })
}
