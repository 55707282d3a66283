import { randomBytes } from 'node:crypto'
import type { Connection } from './connection.js'
import type { Engine, StarState } from './engine.js'

export interface LeaseOptions {
  /** Milliseconds that a lease lasts. */
  readonly leaseTtl: number
  readonly renewInterval: number
  /** Milliseconds between two looks for leases that have ended. */
  readonly reapInterval: number
}

export interface LeaseListener {
  /** Redis told its state. */
  state(state: StarState): void
  /** These have a lease. */
  nodes(nodes: readonly string[]): void
  /** What this node has in Redis, and what it knows, may be wrong: it has to register anew. */
  uncertain(why: string): void
  /** Redis has lost what nodes had written: each of them writes it again as soon as it knows. */
  lost(): void
}

/** A lease is taken for over when this part of it is left: clocks differ, and answers take time. */
const MARGIN = 0.1

/**
 * This node's lease on its place in the star, and its share in looking after those of others. A lease counts from when it
 * was asked for, by this node's own clock.
 */
export class Lease {
  readonly #engine: Engine
  readonly #leases: Engine
  readonly #connections: readonly Connection[]
  readonly #options: LeaseOptions
  readonly #listener: LeaseListener
  readonly #now: () => number
  /** When what was granted last had been asked for; undefined without a lease. */
  #askedAt: number | undefined
  #epoch: string | undefined
  #renewal = { isUnderWay: false, startedAt: Number.NEGATIVE_INFINITY }
  #reaping = { isUnderWay: false, startedAt: Number.NEGATIVE_INFINITY }
  /** The last change of the registry that this node knows of. */
  #seen = 0

  /**
   * @param engine - what this node writes goes by it
   * @param leases - by a connection with nothing else on it: a renewal has no time to wait behind what is sent to other nodes
   * @param connections - of both: a node that cannot write has to lose its lease
   */
  constructor(
    engine: Engine,
    leases: Engine,
    connections: readonly Connection[],
    options: LeaseOptions,
    listener: LeaseListener,
    now: () => number
  ) {
    this.#engine = engine
    this.#leases = leases
    this.#connections = connections
    this.#options = options
    this.#listener = listener
    this.#now = now
  }

  /** There is no lease, or it may be over before it is renewed. */
  get isOver(): boolean {
    return this.#askedAt === undefined || this.#now() - this.#askedAt > this.#options.leaseTtl * (1 - MARGIN)
  }

  get isHeld(): boolean {
    return this.#askedAt !== undefined
  }

  /** Milliseconds; 0 without a lease. */
  get age(): number {
    return this.#askedAt === undefined ? 0 : this.#now() - this.#askedAt
  }

  get seen(): number {
    return this.#seen
  }

  /** The registry has had so many changes. */
  saw(sequence: number): void {
    this.#seen = Math.max(this.#seen, sequence)
  }

  /** Takes a lease, or renews it, and ends all that was begun with an earlier turn. */
  async register(turn: number): Promise<void> {
    const askedAt = this.#now()
    const state = await this.#engine.register(turn, this.#options.leaseTtl, this.#seen, newEpoch())
    if (state === undefined) throw new Error('this node has registered again meanwhile')
    this.#granted(askedAt, state)
  }

  /** Does what is due. To be called some times in each interval. */
  sweep(): void {
    if (this.#askedAt === undefined || !this.#isConnected) return
    const { renewInterval, reapInterval } = this.#options
    void this.#do(this.#renewal, renewInterval, () => this.#renew())
    void this.#do(this.#reaping, reapInterval, () => this.#reap())
  }

  get #isConnected(): boolean {
    return this.#connections.every(({ isReady }) => isReady)
  }

  async #do(
    task: { isUnderWay: boolean; startedAt: number },
    interval: number,
    work: () => Promise<void>
  ): Promise<void> {
    const now = this.#now()
    if (task.isUnderWay || now - task.startedAt < interval) return
    task.isUnderWay = true
    task.startedAt = now
    try {
      await work()
    } catch {
      // What fails is done again, and a connection that is lost is known to be.
    } finally {
      task.isUnderWay = false
    }
  }

  async #renew(): Promise<void> {
    const askedAt = this.#now()
    const state = await this.#leases.renew(this.#options.leaseTtl, this.#seen, newEpoch())
    if (state === undefined) {
      this.#askedAt = undefined
      this.#listener.uncertain('the lease is gone')
      return
    }
    const wasOver = this.isOver
    const isChanged = state.epoch !== this.#epoch
    this.#granted(askedAt, state)
    if (isChanged) this.#listener.uncertain('Redis has lost changes')
    else if (wasOver && !this.isOver) this.#listener.uncertain('the lease could not be renewed for a while')
  }

  async #reap(): Promise<void> {
    for (let isMore = true; isMore && this.#isConnected;) {
      const answer = await this.#leases.reap(this.#options.leaseTtl)
      isMore = answer.isMore
      this.#listener.nodes(answer.nodes)
    }
  }

  #granted(askedAt: number, state: StarState): void {
    this.#askedAt = askedAt
    const isLost = this.#epoch !== undefined && state.epoch !== this.#epoch
    this.#epoch = state.epoch
    if (isLost) this.#listener.lost()
    this.saw(state.sequence)
    this.#listener.state(state)
    this.#listener.nodes(state.nodes)
  }
}

function newEpoch(): string {
  return randomBytes(8).toString('hex')
}
