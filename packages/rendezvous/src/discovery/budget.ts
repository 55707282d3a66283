import { IpTokenBuckets } from '../pacing/ip-token-buckets.js'
import type { RemoteAddress } from '../pacing/remote-address.js'
import type { Counters, DiscoveryKind } from '../stats.js'

export interface DiscoveryBudgetOptions {
  /** Milliseconds between two windows. Unused budget accumulates for this time. */
  interval: number
  /** Bytes per second of all discovery messages together. */
  maxBytesPerSecond: number
}

/** Guaranteed share of each kind of message. What a kind leaves unused is available to all kinds. */
const SHARES: Readonly<Record<DiscoveryKind, number>> = {
  windows: 0.5,
  newcomers: 0.125,
  changes: 0.125,
  lists: 0.125,
  answers: 0.125
}
const KINDS = Object.keys(SHARES) as DiscoveryKind[]
/** Share of the budget for announcing the peers of one IP address, and also for sending to its clients. */
const ADDRESS_SHARE = 0.25
/** Part of an interval for which kinds other than windows accumulate budget. Windows accumulate it for a whole interval. */
const BURST_PART = 0.1
const MIN_INTERVAL = 1_000

/** A token bucket whose overflow goes to the common part. */
interface KindBudget {
  readonly rate: number
  readonly most: number
  left: number
}

/** Limits the bytes of discovery messages: in total, by kind of message (each with a guaranteed share), and by IP address. */
export class DiscoveryBudget {
  readonly #now: () => number
  readonly #counters: Counters
  readonly #shares: Readonly<Record<DiscoveryKind, KindBudget>>
  /** Bytes available to every kind. */
  #common: number
  readonly #mostCommon: number
  #filledAt: number
  /** Bytes spent on announcing the peers of an address to others. */
  readonly #byOrigin: IpTokenBuckets
  /** Bytes sent to the clients of an address. Windows and newcomers are not counted, since all clients get the same ones. */
  readonly #byReceiver: IpTokenBuckets

  constructor(options: DiscoveryBudgetOptions, counters: Counters, now: () => number = () => performance.now()) {
    const rate = options.maxBytesPerSecond
    const seconds = Math.max(options.interval, MIN_INTERVAL) / 1000
    this.#now = now
    this.#counters = counters
    const shareOf = (kind: DiscoveryKind): KindBudget => {
      const most = rate * SHARES[kind] * seconds * (kind === 'windows' ? 1 : BURST_PART)
      return { rate: rate * SHARES[kind], most, left: most }
    }
    this.#shares = {
      windows: shareOf('windows'),
      newcomers: shareOf('newcomers'),
      changes: shareOf('changes'),
      lists: shareOf('lists'),
      answers: shareOf('answers')
    }
    this.#mostCommon = KINDS.reduce((left, kind) => left - this.#shares[kind].most, rate * seconds)
    this.#common = this.#mostCommon
    this.#filledAt = now()
    this.#byOrigin = new IpTokenBuckets(rate * ADDRESS_SHARE, seconds)
    this.#byReceiver = new IpTokenBuckets(rate * ADDRESS_SHARE, seconds)
  }

  /** Returns the bytes of a kind that may be sent now; may be negative. */
  left(kind: DiscoveryKind): number {
    this.#fill()
    return this.#shares[kind].left + this.#common
  }

  /** Returns whether at least half of the maximum is left for a kind, including the common part. */
  isHalfFull(kind: DiscoveryKind): boolean {
    return this.left(kind) >= (this.#shares[kind].most + this.#mostCommon) / 2
  }

  isShareFull(kind: DiscoveryKind): boolean {
    this.#fill()
    return this.#shares[kind].left >= this.#shares[kind].most
  }

  /** Records sent bytes, even if they exceed the budget. */
  spend(kind: DiscoveryKind, bytes: number): void {
    this.#fill()
    this.#counters.discoveryBytes[kind] += bytes
    const share = this.#shares[kind]
    const common = Math.min(this.#common, Math.max(0, bytes - Math.max(0, share.left)))
    this.#common -= common
    share.left -= bytes - common
  }

  /** Returns the bytes that the clients of an address may be sent now. */
  leftFor(remote: RemoteAddress): number {
    return this.#byReceiver.left(remote, this.#now())
  }

  spendFor(remote: RemoteAddress, kind: DiscoveryKind, bytes: number): void {
    this.spend(kind, bytes)
    this.#byReceiver.spend(remote, this.#now(), bytes)
  }

  canAnnounceFrom(remote: RemoteAddress | undefined): boolean {
    return remote === undefined || this.#byOrigin.left(remote, this.#now()) > 0
  }

  spendForOrigin(remote: RemoteAddress | undefined, bytes: number): void {
    if (remote !== undefined) this.#byOrigin.spend(remote, this.#now(), bytes)
  }

  sweep(): void {
    this.#byOrigin.sweep(this.#now())
    this.#byReceiver.sweep(this.#now())
  }

  #fill(): void {
    const now = this.#now()
    // Called for each subscriber; finer steps than a millisecond make no difference.
    if (now - this.#filledAt < 1) return
    const seconds = (now - this.#filledAt) / 1000
    this.#filledAt = now
    for (const kind of KINDS) {
      const share = this.#shares[kind]
      const filled = share.left + share.rate * seconds
      share.left = Math.min(share.most, filled)
      this.#common = Math.min(this.#mostCommon, this.#common + filled - share.left)
    }
  }
}
