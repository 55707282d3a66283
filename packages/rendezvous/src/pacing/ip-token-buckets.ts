import { networkOf, type RemoteAddress } from './remote-address.js'
import { TokenBucket } from './token-bucket.js'

/** Limits how often something is done from one IP address, whatever the number of connections. */
export class IpTokenBuckets {
  readonly #rate: number
  readonly #burst: number
  readonly #buckets = new Map<string, TokenBucket>()

  /**
   * @param rate - times a second on average
   * @param burst - how many times as many at once
   */
  constructor(rate: number, burst: number) {
    this.#rate = rate
    this.#burst = rate * burst
  }

  /** Returns how often it may happen now; below 0 after {@link spend} went into debt. */
  left(remote: RemoteAddress, now: number): number {
    if (remote.exempt) return Number.POSITIVE_INFINITY
    return this.#buckets.get(networkOf(remote.ip))?.left(now) ?? this.#burst
  }

  /** It has happened so often, whether or not that was too often. */
  spend(remote: RemoteAddress, now: number, count: number): void {
    if (!remote.exempt) this.#bucketOf(remote, now).spend(now, count)
  }

  /** Forgets the addresses that have been quiet for a while. */
  sweep(now: number): void {
    for (const [network, bucket] of this.#buckets) {
      if (bucket.isFull(now)) this.#buckets.delete(network)
    }
  }

  #bucketOf({ ip }: RemoteAddress, now: number): TokenBucket {
    const network = networkOf(ip)
    let bucket = this.#buckets.get(network)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rate, this.#burst, now)
      this.#buckets.set(network, bucket)
    }
    return bucket
  }
}
