import { BURST, TokenBucket } from '../pacing/token-bucket.js'
import type { BudgetLimits } from './limits.js'

/** Request that is limited by rate as well as by cost. */
export type RequestKind = 'join' | 'dial'

/** Requests per second by kind; bursts may be four times as large. */
export type RateLimits = Readonly<Record<RequestKind, number>>

export function sessionRates(limits: BudgetLimits): RateLimits {
  return { join: limits.joinRoundsPerSecond, dial: limits.dialsPerSecond }
}

export function addressRates(limits: BudgetLimits): RateLimits {
  return { join: limits.joinRoundsPerSecondPerIp, dial: limits.dialsPerSecondPerIp }
}

/** Rates of the requests of one session or address. Empty while idle, to save memory. */
export class RequestRates {
  #buckets: Map<RequestKind, TokenBucket> | undefined

  /** Counts a request. @returns false if it exceeds the rate of its kind */
  admit(kind: RequestKind, limits: RateLimits, now: number): boolean {
    this.#buckets ??= new Map()
    let bucket = this.#buckets.get(kind)
    if (bucket === undefined) {
      bucket = new TokenBucket(limits[kind], limits[kind] * BURST, now)
      this.#buckets.set(kind, bucket)
    }
    return bucket.take(now)
  }

  /** Forgets full buckets. @returns whether none are left */
  tidy(now: number): boolean {
    for (const [kind, bucket] of this.#buckets ?? []) if (bucket.isFull(now)) this.#buckets?.delete(kind)
    if (this.#buckets?.size === 0) this.#buckets = undefined
    return this.#buckets === undefined
  }
}
