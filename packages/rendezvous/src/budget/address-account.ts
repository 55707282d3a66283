import { BURST, TokenBucket } from '../pacing/token-bucket.js'
import type { BudgetLimits } from './limits.js'
import { PRICES, type WorkDone, type WorkKind } from './prices.js'
import { addressRates, RequestRates, type RequestKind, type RateLimits } from './request-rates.js'

/** Largest debt, in seconds of the rate: an address that stops is served again soon. */
const MAX_DEBT = 4

/** Costs of one IP address. An IPv6 address stands for the network of its subscriber. */
export class AddressAccount {
  /** Undefined if the address is exempt: loopback or a trusted proxy. */
  readonly network: string | undefined
  /** Open TCP connections. */
  connections = 0
  /** Open and queued sessions. */
  sessions = 0
  /** Unprocessed bytes received by its sessions. */
  received = 0
  /** Backlogs of its sessions, in bytes. */
  queued = 0
  readonly #work: TokenBucket
  readonly #rates = new RequestRates()
  readonly #rateLimits: RateLimits
  readonly #rate: number
  readonly #done: WorkDone
  readonly #now: () => number

  /** @param done - total to which work is added */
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

  /** Whether a new account would behave the same. */
  get isIdle(): boolean {
    const now = this.#now()
    return this.connections === 0 && this.sessions === 0 && this.#work.isFull(now) && this.#rates.tidy(now)
  }

  /** Whether it has cost more than its limit. Its next requests are rejected or delayed. */
  get isOverBudget(): boolean {
    return !this.exempt && this.#work.left(this.#now()) < 0
  }

  /** Counts a request of one of its sessions. @returns false if they exceed the rate of its kind */
  admitRequest(kind: RequestKind): boolean {
    return this.exempt || this.#rates.admit(kind, this.#rateLimits, this.#now())
  }

  /** Milliseconds until it is within its budget. */
  get debt(): number {
    return this.isOverBudget ? (-this.#work.left(this.#now()) / this.#rate) * 1_000 : 0
  }

  charge(kind: WorkKind, times = 1): void {
    const price = PRICES[kind] * times
    this.#done[kind] += price
    if (this.exempt) return
    const now = this.#now()
    this.#work.spend(now, Math.min(price, this.#work.left(now) + this.#rate * MAX_DEBT))
  }
}
