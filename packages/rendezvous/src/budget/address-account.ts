import { BURST, TokenBucket } from '../pacing/token-bucket.js'
import type { BudgetLimits } from './limits.js'
import { PRICES, type WorkDone, type WorkKind } from './prices.js'
import { addressRates, RequestRates, type RequestKind, type RateLimits } from './request-rates.js'

/** Milliseconds of work that are owed at most, in seconds of what may be done: whoever stops is served again soon. */
const MAX_DEBT = 4

/** What the connections of one address cost together: those of a network that one subscriber has. */
export class AddressAccount {
  /** Undefined if no limit applies: the address is loopback, or that of a trusted proxy. */
  readonly network: string | undefined
  /** TCP connections open now. */
  connections = 0
  /** Sessions open now, and those that wait for their turn to open. */
  sessions = 0
  /** Bytes received from its sessions and not worked through. */
  received = 0
  /** Bytes queued for its sessions. */
  queued = 0
  readonly #work: TokenBucket
  readonly #rates = new RequestRates()
  readonly #rateLimits: RateLimits
  readonly #rate: number
  readonly #done: WorkDone
  readonly #now: () => number

  /**
   * @param done - is added to
   */
  constructor(network: string | undefined, limits: BudgetLimits, done: WorkDone, now: () => number) {
    this.network = network
    this.#work = new TokenBucket(limits.workPerIp, limits.workPerIp * BURST, now())
    this.#rateLimits = addressRates(limits)
    this.#rate = limits.workPerIp
    this.#done = done
    this.#now = now
  }

  get exempt(): boolean {
    return this.network === undefined
  }

  /** Nothing is open, and it owes nothing: a new account would be no different. */
  get isIdle(): boolean {
    const now = this.#now()
    return this.connections === 0 && this.sessions === 0 && this.#work.isFull(now) && this.#rates.tidy(now)
  }

  /** It has cost more than it may: what it asks for next is refused or waits. */
  get isOverBudget(): boolean {
    return !this.exempt && this.#work.left(this.#now()) < 0
  }

  /** Counts a request of one of its sessions. @returns false if they make too many of its kind */
  admitRequest(kind: RequestKind): boolean {
    return this.exempt || this.#rates.admit(kind, this.#rateLimits, this.#now())
  }

  /** Milliseconds until it owes nothing. */
  get debt(): number {
    return this.isOverBudget ? (-this.#work.left(this.#now()) / this.#rate) * 1_000 : 0
  }

  /** Adds work that was done for it, or is about to be. */
  charge(kind: WorkKind, times = 1): void {
    const price = PRICES[kind] * times
    this.#done[kind] += price
    if (this.exempt) return
    const now = this.#now()
    this.#work.spend(now, Math.min(price, this.#work.left(now) + this.#rate * MAX_DEBT))
  }
}
