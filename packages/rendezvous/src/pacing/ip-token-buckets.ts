import { networkOf, type RemoteAddress } from './remote-address.js'
import { TokenBucket } from './token-bucket.js'

/** Token buckets by IP address. Exempt addresses are not limited. */
export class IpTokenBuckets {
  readonly #rate: number
  readonly #burst: number
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param burst - seconds of the rate that a full bucket holds */
  constructor(rate: number, burst: number) {
    this.#rate = rate
    this.#burst = rate * burst
  }

  /** Returns the tokens left; below 0 after {@link spend} went into debt. */
  left(remote: RemoteAddress, now: number): number {
    if (remote.exempt) return Number.POSITIVE_INFINITY
    return this.#buckets.get(networkOf(remote.ip))?.left(now) ?? this.#burst
  }

  /** Takes tokens, going into debt if too few are left. */
  spend(remote: RemoteAddress, now: number, count: number): void {
    if (!remote.exempt) this.#bucketOf(remote, now).spend(now, count)
  }

  /** Forgets full buckets. */
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
