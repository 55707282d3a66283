import { networkOf, type RemoteAddress } from './remote-address.js'
import { BURST, TokenBucket } from './token-bucket.js'

/** Limits how often something is done from one IP address, whatever the number of connections. */
export class IpRates {
  readonly #rate: number
  readonly #buckets = new Map<string, TokenBucket>()

  /** @param rate - times a second on average; four times as many at once */
  constructor(rate: number) {
    this.#rate = rate
  }

  /**
   * @param now - milliseconds, from any origin
   * @returns false if it happens too often
   */
  take({ ip, exempt }: RemoteAddress, now: number): boolean {
    if (exempt) return true
    const network = networkOf(ip)
    let bucket = this.#buckets.get(network)
    if (bucket === undefined) {
      bucket = new TokenBucket(this.#rate, this.#rate * BURST, now)
      this.#buckets.set(network, bucket)
    }
    return bucket.take(now)
  }

  /** Forgets the addresses that have been quiet for a while. */
  sweep(now: number): void {
    for (const [network, bucket] of this.#buckets) {
      if (bucket.isFull(now)) this.#buckets.delete(network)
    }
  }
}
