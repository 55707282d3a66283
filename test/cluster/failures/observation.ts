import { setTimeout as delay } from 'node:timers/promises'
import type { RedisServer } from '@websocket-star/testkit/processes'
import { onTestFinished } from 'vitest'
import type { StarProcess } from '../../support/star-process.js'
import { IS_FULL } from './process-star.js'

/** Milliseconds between two looks. */
const INTERVAL = 200

/** Peaks, in bytes. */
export interface Peaks {
  /** Resident memory of each node. */
  readonly nodes: readonly number[]
  /** By Redis's own account. */
  readonly engine: number
  /** Of all that wait in Redis for one who has subscribed. */
  readonly engineBacklog: number
}

/** Watches how much memory a star takes from now on, to the end of the test at most. */
export class Observation {
  readonly #redis: RedisServer
  readonly #nodes: readonly StarProcess[]
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  readonly #peaks: number[]
  #engine = 0
  #backlog = 0

  constructor(redis: RedisServer, nodes: readonly StarProcess[]) {
    this.#redis = redis
    this.#nodes = nodes
    this.#peaks = nodes.map(() => 0)
    this.#done = this.#run()
    onTestFinished(() => this.#end())
  }

  /** What was seen; with `CLUSTER_LOAD=full` it is written down, with whatever else there is to say. */
  async peaks(row: string, seen: Readonly<Record<string, number | string>> = {}): Promise<Peaks> {
    await this.#end()
    const peaks = { nodes: this.#peaks, engine: this.#engine, engineBacklog: this.#backlog }
    if (IS_FULL) {
      const retransmits = await Promise.all(
        this.#nodes.map((node) => node.metric('rendezvous_cluster_retransmits_total').catch(() => 'gone'))
      )
      const memory = {
        nodes: `${peaks.nodes.map(megabytes).join(' / ')} MB`,
        engine: `${megabytes(peaks.engine)} MB`,
        'waiting in the engine': `${megabytes(peaks.engineBacklog)} MB`
      }
      console.log(`${row}: ${JSON.stringify({ ...seen, 'sent again': retransmits.join(' / '), ...memory })}`)
    }
    return peaks
  }

  async #end(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const looks = this.#nodes.map((node, index) => this.#again(() => this.#lookAt(node, index)))
    await Promise.all([this.#again(() => this.#lookAtEngine()), ...looks])
  }

  async #again(look: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await look()
      await delay(INTERVAL, undefined, { signal: this.#stop.signal }).catch(() => {})
    }
  }

  async #lookAt(node: StarProcess, index: number): Promise<void> {
    // One that is gone takes none.
    const bytes = await node.residentBytes().catch(() => 0)
    this.#peaks[index] = Math.max(this.#peaks[index] ?? 0, Number.isNaN(bytes) ? 0 : bytes)
  }

  async #lookAtEngine(): Promise<void> {
    try {
      const { peak } = await this.#redis.memory()
      const waiting = (await this.#redis.clients('pubsub')).map((line) => Number(/ omem=(\d+)/.exec(line)?.[1] ?? 0))
      this.#engine = Math.max(this.#engine, peak)
      this.#backlog = Math.max(this.#backlog, ...waiting)
    } catch {
      // It is paused or gone.
    }
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
