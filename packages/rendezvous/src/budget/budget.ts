import { networkOf, type RemoteAddress } from '../pacing/remote-address.js'
import { AddressAccount } from './address-account.js'
import type { BudgetLimits } from './limits.js'
import { PRICES, type WorkDone } from './prices.js'
import { sessionRates, type RateLimits } from './request-rates.js'
import { SessionAccount, type ServerBudget } from './session-account.js'

/** How many of the largest messages one session may leave unfinished: what many small pieces take counts as well. */
const UNFINISHED_MESSAGES = 4

/** What the budget needs to know of an address. */
type AccountAddress = Pick<RemoteAddress, 'ip' | 'exempt'>

/**
 * The one place that decides what a session, an address and the whole server may cost, apart from relaying: CPU at
 * {@link PRICES}, bytes received, bytes queued. Who costs more is slowed; what that does not end, is closed.
 */
export class Budget implements ServerBudget {
  readonly limits: BudgetLimits
  readonly sessionRates: RateLimits
  readonly now: () => number
  /** Bytes received from all sessions and not worked through. */
  received = 0
  /** Sessions that are not read from for what they have cost. */
  slowed = 0
  /** Milliseconds of CPU so far, at their prices. */
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

  /** Returns the account of an address; all that are exempt share one. */
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

  /** Opens the account of a new session. */
  open(remote: AccountAddress): SessionAccount {
    const account = new SessionAccount(this, this.addressOf(remote))
    this.#sessions.add(account)
    return account
  }

  forget(account: SessionAccount): void {
    this.#sessions.delete(account)
  }

  /** A session keeps more unfinished input: if that is too much for it, its address or the server, the largest gives way. */
  checkReceived(account: SessionAccount): void {
    const { address, received } = account
    const { messageSize, receivedBytesPerIp, receivedBytes } = this.limits
    if (received > messageSize * UNFINISHED_MESSAGES) return close(account)
    if (!address.exempt && address.received > receivedBytesPerIp) {
      close(this.#largest((other) => other.address === address))
    }
    if (this.received > receivedBytes) close(this.#largest(() => true))
  }

  /** Accounts of all addresses. */
  *addresses(): Generator<AddressAccount> {
    yield this.#exempt
    yield* this.#addresses.values()
  }

  /** Forgets what quiet sessions asked for, and quiet addresses. */
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
  account?.close('unfinished messages', 'too much was sent that is not complete')
}
