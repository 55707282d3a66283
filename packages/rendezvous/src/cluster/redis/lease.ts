import { randomBytes } from 'node:crypto'
import type { RedisConnection } from './redis-connection.js'
import type { StarCommands, StarState } from './star-commands.js'

export interface LeaseOptions {
  /** Duration of a lease in milliseconds. */
  readonly leaseTtl: number
  readonly renewInterval: number
  /** Milliseconds between two searches for expired leases. */
  readonly reapInterval: number
}

export interface LeaseObserver {
  state(state: StarState): void
  nodes(nodes: readonly string[]): void
  /** The node has to register again, because the registry may lack some of its claims. */
  outOfSync(why: string): void
  /** Redis lost data. Each node that notices writes its claims again. */
  dataLost(): void
}

/** Remaining part of a lease at which its node treats it as expired, because clocks differ and replies take time. */
const MARGIN_PART = 0.1

/**
 * Renews this node's lease, and removes nodes whose lease has expired. This node counts the age of its lease from the request.
 */
export class Lease {
  readonly #commands: StarCommands
  readonly #leases: StarCommands
  readonly #connections: readonly RedisConnection[]
  readonly #options: LeaseOptions
  readonly #observer: LeaseObserver
  readonly #now: () => number
  /** Time at which the current lease was requested; undefined without one. */
  #requestedAt: number | undefined
  #epoch: string | undefined
  #renewal = { isUnderWay: false, startedAt: Number.NEGATIVE_INFINITY }
  #reaping = { isUnderWay: false, startedAt: Number.NEGATIVE_INFINITY }
  /** Number of the last change of the registry that this node knows. */
  #seen = 0

  /**
   * @param commands - registers this node
   * @param leases - renews the lease over a connection of its own, so that no renewal waits behind envelopes to other nodes
   * @param connections - both connections. If one is lost, the lease is not renewed: a node that cannot write must lose its lease
   */
  constructor(
    commands: StarCommands,
    leases: StarCommands,
    connections: readonly RedisConnection[],
    options: LeaseOptions,
    observer: LeaseObserver,
    now: () => number
  ) {
    this.#commands = commands
    this.#leases = leases
    this.#connections = connections
    this.#options = options
    this.#observer = observer
    this.#now = now
  }

  /** Whether the lease is missing or about to expire. */
  get isOver(): boolean {
    return (
      this.#requestedAt === undefined || this.#now() - this.#requestedAt > this.#options.leaseTtl * (1 - MARGIN_PART)
    )
  }

  get isHeld(): boolean {
    return this.#requestedAt !== undefined
  }

  /** Age of the lease in milliseconds; 0 without one. */
  get age(): number {
    return this.#requestedAt === undefined ? 0 : this.#now() - this.#requestedAt
  }

  get seen(): number {
    return this.#seen
  }

  saw(sequence: number): void {
    this.#seen = Math.max(this.#seen, sequence)
  }

  /** Takes the lease. Batches with lower numbers than `batch` are refused from then on. */
  async register(batch: number): Promise<void> {
    const requestedAt = this.#now()
    const state = await this.#commands.register(batch, this.#options.leaseTtl, this.#seen, newEpoch())
    if (state === undefined) throw new Error('the registration is outdated: this node has registered again meanwhile')
    this.#granted(requestedAt, state)
  }

  /** Renews the lease and removes expired nodes, each when due. Call this several times per interval. */
  sweep(): void {
    if (this.#requestedAt === undefined || !this.#isConnected) return
    const { renewInterval, reapInterval } = this.#options
    void this.#runIfDue(this.#renewal, renewInterval, () => this.#renew())
    void this.#runIfDue(this.#reaping, reapInterval, () => this.#reap())
  }

  get #isConnected(): boolean {
    return this.#connections.every(({ isReady }) => isReady)
  }

  async #runIfDue(
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
      // The next interval tries again. The connection reports its own loss.
    } finally {
      task.isUnderWay = false
    }
  }

  async #renew(): Promise<void> {
    const requestedAt = this.#now()
    const state = await this.#leases.renew(this.#options.leaseTtl, this.#seen, newEpoch())
    if (state === undefined) {
      this.#requestedAt = undefined
      this.#observer.outOfSync('the lease is gone')
      return
    }
    const wasOver = this.isOver
    const isChanged = state.epoch !== this.#epoch
    this.#granted(requestedAt, state)
    if (isChanged) this.#observer.outOfSync('Redis has lost changes')
    else if (wasOver && !this.isOver) this.#observer.outOfSync('the lease could not be renewed for a while')
  }

  async #reap(): Promise<void> {
    for (let isMore = true; isMore && this.#isConnected;) {
      const answer = await this.#leases.reap(this.#options.leaseTtl)
      isMore = answer.isMore
      this.#observer.nodes(answer.nodes)
    }
  }

  #granted(requestedAt: number, state: StarState): void {
    this.#requestedAt = requestedAt
    const isLost = this.#epoch !== undefined && state.epoch !== this.#epoch
    this.#epoch = state.epoch
    if (isLost) this.#observer.dataLost()
    this.saw(state.sequence)
    this.#observer.state(state)
    this.#observer.nodes(state.nodes)
  }
}

function newEpoch(): string {
  return randomBytes(8).toString('hex')
}
