import { performance } from 'node:perf_hooks'
import { ascending, percentile } from '../../report/percentile.js'
import type { Pair } from '../../wire/pair.js'
import { patternOf, Train } from '../../wire/train.js'
import { Verifier } from '../../wire/verifier.js'

const PAYLOAD = 100
/** Messages that may be under way before one is overwritten: over a minute's worth. */
const SLOTS = 65_536

export interface LatencyFigures {
  /** One way, in milliseconds. */
  p50: number
  p99: number
  max: number
  messages: number
}

/**
 * Sends a small message every so often, whether or not the last one has arrived, and takes the time each needs. Each is
 * timed from when it is written, so that a late timer of the load counts for nobody.
 */
export class Metronome {
  readonly #near: Pair['near']
  readonly #train: Train
  readonly #verifier: Verifier
  readonly #perSecond: number
  readonly #sentAt = new Float64Array(SLOTS)
  #latencies: number[] = []
  #sent = 0
  #timer: NodeJS.Timeout | undefined

  constructor(pair: Pair, perSecond: number) {
    const shape = { header: pair.header, lead: pair.lead, payload: patternOf(-1, PAYLOAD) }
    this.#near = pair.near
    this.#train = new Train(shape, 1)
    this.#perSecond = perSecond
    this.#verifier = new Verifier('the metronome', shape)
    this.#verifier.onMessage = (number) => {
      this.#latencies.push(performance.now() - (this.#sentAt[number % SLOTS] ?? 0))
    }
    pair.far.filter((...frame) => this.#verifier.take(...frame))
  }

  start(): void {
    const begin = performance.now() - (this.#sent * 1000) / this.#perSecond
    this.#timer = setInterval(() => {
      const due = Math.floor(((performance.now() - begin) * this.#perSecond) / 1000)
      while (this.#sent < due) this.#beat()
    }, 1)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Forgets what was measured so far. */
  reset(): void {
    this.#latencies = []
  }

  /** Messages sent that have not arrived. */
  get underWay(): number {
    return this.#sent - this.#verifier.received
  }

  figures(): LatencyFigures {
    const sorted = ascending(this.#latencies)
    return {
      p50: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      max: sorted.at(-1) ?? Number.NaN,
      messages: sorted.length
    }
  }

  #beat(): void {
    const number = this.#sent++
    // The frames are copied, for those of earlier beats may still wait in the socket.
    const [header, binary] = this.#train.frames(0, number).map((frame) => Buffer.from(frame))
    if (header === undefined || binary === undefined) return
    this.#sentAt[number % SLOTS] = performance.now()
    this.#near.tcp.write(header)
    this.#near.tcp.write(binary)
  }
}
