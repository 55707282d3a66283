import { networkOf } from '../pacing/remote-address.js'
import { TokenBucket } from '../pacing/token-bucket.js'

/** A second one a second later, and four at once: nobody mistypes faster. */
const PER_SECOND = 1
const BURST = 4
/** Networks that are remembered; beyond, those that have been quiet are forgotten. */
const MAX_NETWORKS = 1_024

/** How often each network has named a wrong token: one that guesses has to wait, also with the right one. */
export class FailedAttempts {
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param now - milliseconds, from any origin */
  mayTry(ip: string, now: number): boolean {
    return (this.#buckets.get(networkOf(ip))?.left(now) ?? 1) >= 1
  }

  note(ip: string, now: number): void {
    const network = networkOf(ip)
    if (this.#buckets.size >= MAX_NETWORKS && !this.#buckets.has(network)) this.#forget(now)
    const bucket = this.#buckets.get(network) ?? new TokenBucket(PER_SECOND, BURST, now)
    this.#buckets.set(network, bucket)
    bucket.take(now)
  }

  #forget(now: number): void {
    for (const [network, bucket] of this.#buckets) if (bucket.isFull(now)) this.#buckets.delete(network)
    // All of them guess at once: the oldest gives way.
    for (const network of this.#buckets.keys()) {
      if (this.#buckets.size < MAX_NETWORKS) break
      this.#buckets.delete(network)
    }
  }
}
