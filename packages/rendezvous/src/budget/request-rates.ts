import { BURST, TokenBucket } from '../pacing/token-bucket.js'
import type { BudgetLimits } from './limits.js'

/** A kind of request that is limited by count as well as by cost. */
export type RequestKind = 'join' | 'dial'

/** Requests a second by kind, on average; four times as many may come at once. */
export type RateLimits = Readonly<Record<RequestKind, number>>

export function sessionRates(limits: BudgetLimits): RateLimits {
  return { join: limits.joinRoundsPerSecond, dial: limits.dialsPerSecond }
}

export function addressRates(limits: BudgetLimits): RateLimits {
  return { join: limits.joinRoundsPerSecondPerIp, dial: limits.dialsPerSecondPerIp }
}

/** Counts the requests of a session or of an address. While none were made lately it holds nothing. */
export class RequestRates {
  #buckets: Map<RequestKind, TokenBucket> | undefined

  /**
   * Counts a request.
   *
   * @param now - milliseconds, from any origin
   * @returns false if there are too many of its kind
   */
  admit(kind: RequestKind, limits: RateLimits, now: number): boolean {
    this.#buckets ??= new Map()
    let bucket = this.#buckets.get(kind)
    if (bucket === undefined) {
      bucket = new TokenBucket(limits[kind], limits[kind] * BURST, now)
      this.#buckets.set(kind, bucket)
    }
    return bucket.take(now)
  }

  /** Forgets the kinds that a new bucket would count no differently. @returns whether nothing is left */
  tidy(now: number): boolean {
    for (const [kind, bucket] of this.#buckets ?? []) if (bucket.isFull(now)) this.#buckets?.delete(kind)
    if (this.#buckets?.size === 0) this.#buckets = undefined
    return this.#buckets === undefined
  }
}
