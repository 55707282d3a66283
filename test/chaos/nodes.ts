import { setTimeout as delay } from 'node:timers/promises'
import { FaultProxy, within } from '@websocket-star/testkit'
import { StarProcess } from '../support/star-process.js'

/** The one name that all clients know the star by; there is no such host: a client's way leads to a node. */
const STAR_URL = 'http://star.test:80'
const STAR_MULTIADDR = '/dns4/star.test/tcp/80/ws/p2p-websocket-star'

/** Milliseconds; short, so that much happens. */
export const LEASE = 4_000
export const DRAIN_TIMEOUT = 4_000
/** Milliseconds that a dialled client has to answer. */
const DIAL_TIMEOUT = 5_000

/** Milliseconds that a new process has until it serves, whatever happens to Redis meanwhile. */
const START_PATIENCE = 40_000
const METRICS_PATIENCE = 3_000

const FLAGS = Object.entries({
  'public-address': STAR_MULTIADDR,
  'cluster-lease-ttl': LEASE,
  'drain-timeout': DRAIN_TIMEOUT,
  'dial-ack-timeout': DIAL_TIMEOUT,
  'dial-accept-timeout': 20_000
}).flatMap(([name, value]) => [`--${name}`, String(value)])

/** One process of a node, from its start to its end. */
export class NodeLife {
  /** What its id begins with. */
  readonly name: string
  readonly process: StarProcess
  /** Milliseconds of `performance.now()`; undefined if that did not happen. */
  killedAt: number | undefined
  drainedAt: number | undefined
  isPaused = false
  /** It has ended, or should have. */
  isOver = false
  /** The last figures it told. */
  metrics: ReadonlyMap<string, number> = new Map()
  peakBytes = 0

  constructor(name: string, process: StarProcess) {
    this.name = name
    this.process = process
  }

  get port(): number {
    return this.process.port
  }

  /** Whether a load balancer would send clients to it. */
  get isOpen(): boolean {
    return !this.isOver && this.drainedAt === undefined
  }

  async readMetrics(): Promise<ReadonlyMap<string, number>> {
    this.metrics = await within(`figures of ${this.name}`, this.process.metrics(), METRICS_PATIENCE)
    return this.metrics
  }

  async measure(): Promise<void> {
    if (this.isOver) return
    // not a number for a process that is about to end
    const bytes = await this.process.residentBytes().catch(() => 0)
    if (bytes > this.peakBytes) this.peakBytes = bytes
  }

  /** Sum of a figure over all its labels. */
  sum(name: string): number {
    let sum = 0
    for (const [key, value] of this.metrics) if (key === name || key.startsWith(`${name}{`)) sum += value
    return sum
  }
}

/** A place for a node: one process after the other. */
export class Place {
  readonly index: number
  readonly way: FaultProxy
  life: NodeLife | undefined
  readonly #ended: NodeLife[] = []

  constructor(index: number, way: FaultProxy) {
    this.index = index
    this.way = way
  }

  /** All processes that were here. */
  get lives(): readonly NodeLife[] {
    return this.life === undefined ? this.#ended : [...this.#ended, this.life]
  }

  /** Starts a new process; tries again if Redis cannot be reached. */
  async start(): Promise<NodeLife> {
    const end = performance.now() + START_PATIENCE
    const name = `n${this.index}-${this.lives.length}`
    if (this.life !== undefined) this.#ended.push(this.life)
    this.life = undefined
    for (;;) {
      try {
        const flags = [...FLAGS, '--cluster-node', name]
        const life = new NodeLife(name, await StarProcess.start({ redis: `redis://127.0.0.1:${this.way.port}`, flags }))
        this.life = life
        return life
      } catch (error) {
        if (performance.now() > end) throw error
        await delay(200)
      }
    }
  }
}

/** All places of the star. */
export class Places implements AsyncDisposable {
  readonly url = STAR_URL
  readonly multiaddr = STAR_MULTIADDR
  readonly all: readonly Place[]

  private constructor(all: readonly Place[]) {
    this.all = all
  }

  static async open(count: number, redisPort: number): Promise<Places> {
    const places = await Promise.all(
      Array.from({ length: count }, async (_, index) => new Place(index, await FaultProxy.open({ port: redisPort })))
    )
    return new Places(places)
  }

  get size(): number {
    return this.all.length
  }

  /** Processes that serve. */
  get open(): NodeLife[] {
    return this.all.flatMap(({ life }) => (life?.isOpen === true ? [life] : []))
  }

  get lives(): NodeLife[] {
    return this.all.flatMap(({ lives }) => lives)
  }

  at(index: number): Place {
    const place = this.all[index]
    if (place === undefined) throw new RangeError(`there is no place ${index}`)
    return place
  }

  /** The node that a client is led to. */
  choose(home: number): NodeLife | undefined {
    const { size } = this
    for (let turn = 0; turn < size; turn++) {
      const life = this.at((home + turn) % size).life
      if (life?.isOpen === true) return life
    }
    return undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.all.flatMap(({ life, way }) => [life?.process[Symbol.asyncDispose](), way[Symbol.asyncDispose]()])
    )
  }
}
