import { networkOf, type RemoteAddress } from '../pacing/remote-address.js'
import { AddressAccount } from './address-account.js'
import type { BudgetLimits } from './limits.js'
import { PRICES, type WorkDone } from './prices.js'
import { sessionRates, type RateLimits } from './request-rates.js'
import { SessionAccount, type ServerBudget } from './session-account.js'

/** Largest messages that one session may leave unfinished. Many small pieces also count for their overhead. */
const UNFINISHED_MESSAGES = 4

type AccountAddress = Pick<RemoteAddress, 'ip' | 'exempt'>

/**
 * Limits what each session, each address and the server may cost apart from relaying: CPU at {@link PRICES}, received
 * bytes and backlogs. Sessions over their budget are slowed, and closed if that does not help.
 */
export class Budget implements ServerBudget {
  readonly limits: BudgetLimits
  readonly sessionRates: RateLimits
  readonly now: () => number
  /** Unprocessed bytes received by all sessions. */
  received = 0
  /** Sessions that are paused because they are over their budget. */
  slowed = 0
  /** Milliseconds of CPU by kind of work since the start. */
  readonly done = Object.fromEntries(Object.keys(PRICES).map((kind) => [kind, 0])) as WorkDone
  readonly #exempt: AddressAccount
  readonly #addresses = new Map<string, AddressAccount>()
  readonly #sessions = new Set<SessionAccount>()

  constructor(limits: BudgetLimits, now: () => number = () => performance.now()) {
    this.limits = limits
    this.sessionRates = sessionRates(limits)
    this.now = now
    this.#exempt = new AddressAccount(undefined, limits, this.done, now)
  }

  /** Returns the account of an address. All exempt addresses share one. */
  addressOf({ ip, exempt }: AccountAddress): AddressAccount {
    if (exempt) return this.#exempt
    const network = networkOf(ip)
    let account = this.#addresses.get(network)
    if (account === undefined) {
      account = new AddressAccount(network, this.limits, this.done, this.now)
      this.#addresses.set(network, account)
    }
    return account
  }

  open(remote: AccountAddress): SessionAccount {
    const account = new SessionAccount(this, this.addressOf(remote))
    this.#sessions.add(account)
    return account
  }

  forget(account: SessionAccount): void {
    this.#sessions.delete(account)
  }

  /** Checks the limits after unfinished input arrived. The session with most of it is closed if a limit is exceeded. */
  checkReceived(account: SessionAccount): void {
    const { address, received } = account
    const { messageSize, receivedBytesPerIp, receivedBytes } = this.limits
    if (received > messageSize * UNFINISHED_MESSAGES) return close(account)
    if (!address.exempt && address.received > receivedBytesPerIp) {
      close(this.#largest((other) => other.address === address))
    }
    if (this.received > receivedBytes) close(this.#largest(() => true))
  }

  *addresses(): Generator<AddressAccount> {
    yield this.#exempt
    yield* this.#addresses.values()
  }

  /** Forgets idle addresses and the unused rates of sessions. */
  sweep(): void {
    for (const account of this.#sessions) account.tidy()
    for (const [network, account] of this.#addresses) if (account.isIdle) this.#addresses.delete(network)
  }

  #largest(matches: (account: SessionAccount) => boolean): SessionAccount | undefined {
    let largest: SessionAccount | undefined
    for (const account of this.#sessions) {
      if (matches(account) && account.received > (largest?.received ?? 0)) largest = account
    }
    return largest
  }
}

function close(account: SessionAccount | undefined): void {
  account?.charge('unfinished')
  account?.close('unfinished messages', 'too many bytes of unfinished messages')
}
