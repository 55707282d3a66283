import { IpRates } from '../pacing/ip-rates.js'
import type { RemoteAddress } from '../pacing/remote-address.js'
import type { Counters, DiscoveryKind } from '../stats.js'

export interface DiscoveryBudgetOptions {
  /** Milliseconds between two windows: what is not sent meanwhile is saved up. */
  interval: number
  /** Bytes per second of everything that clients are told of other peers. */
  maxBytesPerSecond: number
}

/** The part of the budget that each kind can count on. What one leaves unused is there for all. */
const SHARES: Readonly<Record<DiscoveryKind, number>> = {
  windows: 0.5,
  newcomers: 0.125,
  changes: 0.125,
  lists: 0.125,
  answers: 0.125
}
const KINDS = Object.keys(SHARES) as DiscoveryKind[]
/** The part of it that one IP address may cause, and may be sent. */
const ADDRESS_SHARE = 0.25
/** Windows are sent once per interval and save up for it. Other kinds save up for a tenth of that. */
const SAVED = 0.1
const SHORTEST_INTERVAL = 1_000

/** A token bucket whose surplus is not lost. */
interface Share {
  readonly rate: number
  readonly most: number
  left: number
}

/**
 * The bytes that may be sent about peers: by kind of message, of which each has a share that the others cannot use up, and
 * by IP address.
 */
export class DiscoveryBudget {
  readonly #now: () => number
  readonly #counters: Counters
  readonly #shares: Readonly<Record<DiscoveryKind, Share>>
  /** Bytes that any kind may use. */
  #common: number
  readonly #mostCommon: number
  #filledAt: number
  /** Bytes that the peers of an address may cause: others are told of them. */
  readonly #caused: IpRates
  /** Bytes that the clients of an address may be sent, apart from windows and newcomers: all get the same of these. */
  readonly #sent: IpRates

  constructor(options: DiscoveryBudgetOptions, counters: Counters, now: () => number = () => performance.now()) {
    const rate = options.maxBytesPerSecond
    const seconds = Math.max(options.interval, SHORTEST_INTERVAL) / 1000
    this.#now = now
    this.#counters = counters
    const shareOf = (kind: DiscoveryKind): Share => {
      const most = rate * SHARES[kind] * seconds * (kind === 'windows' ? 1 : SAVED)
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
    this.#caused = new IpRates(rate * ADDRESS_SHARE, seconds)
    this.#sent = new IpRates(rate * ADDRESS_SHARE, seconds)
  }

  /** Returns how many bytes of a kind may be sent now; 0 or less if none. */
  left(kind: DiscoveryKind): number {
    this.#fill()
    return this.#shares[kind].left + this.#common
  }

  /** Returns whether at least half of what a kind may save up is left, the common part included. */
  isAmple(kind: DiscoveryKind): boolean {
    return this.left(kind) >= (this.#shares[kind].most + this.#mostCommon) / 2
  }

  /** Returns whether a kind has saved up its whole share: it will not be more. */
  isSaved(kind: DiscoveryKind): boolean {
    this.#fill()
    return this.#shares[kind].left >= this.#shares[kind].most
  }

  /** Bytes are sent, whether or not there were so many left. */
  spend(kind: DiscoveryKind, bytes: number): void {
    this.#fill()
    this.#counters.discoveryBytes[kind] += bytes
    const share = this.#shares[kind]
    const common = Math.min(this.#common, Math.max(0, bytes - Math.max(0, share.left)))
    this.#common -= common
    share.left -= bytes - common
  }

  /** Returns how many bytes the clients of an address may be sent now. */
  leftFor(remote: RemoteAddress): number {
    return this.#sent.left(remote, this.#now())
  }

  /** The same as {@link spend}, for a client of that address. */
  spendFor(remote: RemoteAddress, kind: DiscoveryKind, bytes: number): void {
    this.spend(kind, bytes)
    this.#sent.spend(remote, this.#now(), bytes)
  }

  /** Returns whether others may be told of one more peer of an address. */
  mayCause(remote: RemoteAddress | undefined): boolean {
    return remote === undefined || this.#caused.left(remote, this.#now()) > 0
  }

  /** Others are told of a peer of that address. */
  cause(remote: RemoteAddress | undefined, bytes: number): void {
    if (remote !== undefined) this.#caused.spend(remote, this.#now(), bytes)
  }

  /** Forgets the addresses that have been quiet for a while. */
  sweep(): void {
    this.#caused.sweep(this.#now())
    this.#sent.sweep(this.#now())
  }

  #fill(): void {
    const now = this.#now()
    // Asked for each listener: less than a millisecond makes no difference.
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
