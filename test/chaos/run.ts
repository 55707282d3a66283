import { setTimeout as delay } from 'node:timers/promises'
import { Random } from '@websocket-star/testkit'
import { readProcUsage, RedisServer } from '@websocket-star/testkit/processes'
import { converged, faultsOf, leftInRedis } from './calm.js'
import { drawFault, type Fault } from './faults.js'
import type { HalfPlan, Manner } from './half.js'
import { Judge } from './judge.js'
import { Places } from './nodes.js'
import { Party } from './parties.js'
import { creator, type PeerKind } from './peers/kinds.js'
import { Report } from './report.js'
import { Traffic } from './traffic.js'
import { messageOf } from './transfers.js'

export interface RunOptions {
  readonly minutes: number
  readonly seed: number
  /** Notes what is wrong and goes on, instead of ending with the first of it. */
  readonly isGoingOn: boolean
}

const NODES = 3
const PARTIES: Readonly<Record<PeerKind, number>> = { client: 22, legacy: 8, libp2p: 3 }
/** Transfers under way at once. */
const TALKS = 36
/** Bytes a second, of all transfers together: as much as leaves time for the rest. */
const RATE = 16_000_000
/** Milliseconds with faults, and then none. */
const STORM = 40_000
/** Faults that come while another one lasts. */
const OVERLAP = 0.3
const GAP = 2_500
const SAMPLE = 1_000
const SAMPLE_LATE = 20_000
/** Bytes that no process may hold. */
const NODE_BYTES = 300_000_000
const ENGINE_BYTES = 100_000_000

/** A run, from the first node to the last word. */
export class Run {
  readonly report = new Report()
  readonly #options: RunOptions
  readonly #judge = new Judge()
  readonly #faultRandom: Random
  readonly #traffic: Traffic
  /** Ends it all. */
  readonly #over = new AbortController()
  #places: Places | undefined
  #redis: RedisServer | undefined

  constructor(options: RunOptions) {
    this.#options = options
    this.#faultRandom = new Random(options.seed)
    this.#traffic = new Traffic(new Random(options.seed ^ 0x5ca1ab1e), this.report, {
      talks: TALKS,
      rate: RATE,
      attempts: 1,
      canTalk,
      plan: (_from, to, random) => planFor(to, random),
      explain: (transfer) => this.#judge.explain(transfer),
      violated: (what) => this.#violated(what)
    })
  }

  /** The nodes, for what they have logged. */
  get places(): Places | undefined {
    return this.#places
  }

  async run(): Promise<void> {
    await using redis = await RedisServer.start()
    await using places = await Places.open(NODES, redis.port)
    this.#redis = redis
    this.#places = places
    const watching = this.#watch(redis, places)
    try {
      await Promise.all(places.all.map((place) => place.start()))
      await this.#gather(places)
      await this.#calm('before all faults')
      const end = performance.now() + this.#options.minutes * 60_000
      while (performance.now() < end && !this.#over.signal.aborted) {
        await this.#storm(Math.min(STORM, Math.max(15_000, end - performance.now())))
        await this.#calm('after faults')
      }
      await this.#part(redis, places)
    } catch (error) {
      if (!this.#over.signal.aborted) throw error
    } finally {
      this.#over.abort()
      await watching
      await this.#traffic.leave()
    }
  }

  async #gather(places: Places): Promise<void> {
    const kinds = Object.entries(PARTIES) as [PeerKind, number][] // as it is written above
    const parties = kinds.flatMap(([kind, count]) =>
      Array.from({ length: count }, async (_, index) => {
        const deeds = kind === 'libp2p' ? (['move', 'blip'] as const) : undefined
        return new Party(kind, index, places, this.#traffic.accept, await creator(kind, index), deeds)
      })
    )
    await this.#traffic.gather(await Promise.all(parties), (index) => index % NODES)
  }

  /** Faults, one after the other and sometimes two at a time, while everybody talks. */
  async #storm(ms: number): Promise<void> {
    const { signal } = this.#over
    const end = performance.now() + ms
    const busy = new Map<Fault['target'], Promise<void>>()
    this.#traffic.start()
    await delay(1_000)
    while (performance.now() < end && !signal.aborted) {
      const fault = drawFault(this.#faultRandom, NODES)
      const isOverlapping = this.#faultRandom.chance(OVERLAP)
      const gap = this.#faultRandom.below(GAP)
      await busy.get(fault.target)
      const done = this.#inflict(fault).finally(() => busy.delete(fault.target))
      busy.set(fault.target, done)
      if (!isOverlapping) await Promise.all(busy.values())
      await delay(gap, undefined, { signal }).catch(() => {})
    }
    await Promise.all(busy.values())
    await this.#traffic.stop()
  }

  async #inflict(fault: Fault): Promise<void> {
    const { redis, places } = this.#scene
    this.report.fault(fault)
    try {
      await fault.run({ redis, places, judge: this.#judge })
    } catch (error) {
      this.#violated(`${fault.text}: ${messageOf(error)}`)
    }
  }

  /** Nothing fails: everything has to be as it should. */
  async #calm(when: string): Promise<void> {
    if (this.#over.signal.aborted) return
    const begin = performance.now()
    await this.#traffic.settle()
    try {
      const convergence = await converged({ ...this.#scene, parties: this.#traffic.parties })
      await this.#traffic.dialAll()
      await converged({ ...this.#scene, parties: this.#traffic.parties })
      this.report.calm(when, convergence, performance.now() - begin)
    } catch (error) {
      this.#violated(`Calm ${when}: ${messageOf(error)}`)
    }
    this.#lookForFaults()
  }

  /** Everybody leaves, and then the nodes do. */
  async #part(redis: RedisServer, places: Places): Promise<void> {
    if (this.#over.signal.aborted) return
    try {
      await this.#traffic.leave()
      await converged({ redis, places, parties: this.#traffic.parties })
    } catch (error) {
      this.#violated(`After all have left: ${messageOf(error)}`)
    }
    this.#lookForFaults()
    for (const life of places.open) {
      life.isOver = true
      const { code } = await life.process.terminate()
      if (code !== 0) this.#violated(`${life.name} ended with ${code}`)
    }
    for (const what of await leftInRedis(redis)) this.#violated(what)
  }

  get #scene(): { redis: RedisServer; places: Places } {
    const [redis, places] = [this.#redis, this.#places]
    if (redis === undefined || places === undefined) throw new Error('it has not begun')
    return { redis, places }
  }

  #lookForFaults(): void {
    for (const life of this.places?.lives ?? []) for (const fault of faultsOf(life)) this.#violated(fault)
  }

  /** Reads figures of all processes, again and again. */
  async #watch(redis: RedisServer, places: Places): Promise<void> {
    let late = performance.now()
    while (!this.#over.signal.aborted) {
      await delay(SAMPLE)
      if (performance.now() - late > SAMPLE_LATE) this.#violated('this process was too busy to look at the others')
      late = performance.now()
      await Promise.all(places.lives.filter(({ isOver }) => !isOver).map((life) => life.measure()))
      const awake = places.open.filter(({ isPaused }) => !isPaused)
      await Promise.all(awake.map((life) => life.readMetrics().catch(() => {})))
      for (const { name, peakBytes } of places.lives) {
        if (peakBytes > NODE_BYTES) this.#violated(`${name} held ${peakBytes} bytes`)
      }
      const engineBytes = residentBytes(redis)
      this.report.engineBytes(engineBytes)
      if (engineBytes > ENGINE_BYTES) this.#violated(`Redis held ${engineBytes} bytes`)
    }
  }

  #violated(what: string): void {
    this.report.violated(what)
    if (!this.#options.isGoingOn) {
      void this.#traffic.stop()
      this.#over.abort()
    }
  }
}

/** libp2p has its own handshakes on top, and talks to its own kind. */
function canTalk(one: Party, other: Party): boolean {
  return (one.kind === 'libp2p') === (other.kind === 'libp2p')
}

function planFor(reader: Party, random: Random): HalfPlan {
  if (reader.kind === 'libp2p') return { bytes: random.below(1_000_000), manner: 'fast' }
  const manner: Manner = random.pick(['fast', 'fast', 'slow', 'stopping'])
  // from some bytes to some megabytes, in each order of magnitude as often
  const bytes = Math.floor(10 ** (random.next() * (manner === 'slow' ? 6.3 : 7.2)))
  return { bytes, manner }
}

/** Memory that Redis holds; 0 while there is none. */
function residentBytes({ pid }: RedisServer): number {
  try {
    return readProcUsage(pid).rss || 0
  } catch {
    return 0
  }
}
