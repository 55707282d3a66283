import { BURST } from '../pacing/token-bucket.js'
import type { CloseReason } from '../stats.js'
import type { AddressAccount } from './address-account.js'
import type { BudgetLimits } from './limits.js'
import { PRICES, type WorkKind } from './prices.js'
import { RequestRates, type RequestKind, type RateLimits } from './request-rates.js'

/** Share of an address's CPU for its sessions; new connections and pages use the rest. */
const SESSIONS_SHARE = 0.5
/** Milliseconds without excess input after which a session has caught up. */
const CAUGHT_UP = 1_000
/** Milliseconds for which a session counts as a newcomer. */
const NEW_FOR = 5_000

/** Budget of the server, as its session accounts use it. */
export interface ServerBudget {
  readonly limits: BudgetLimits
  /** Requests per second of one session. */
  readonly sessionRates: RateLimits
  /** Unprocessed bytes received by all sessions. */
  received: number
  /** Sessions that are paused because they are over their budget. */
  slowed: number
  now(): number
  checkReceived(account: SessionAccount): void
  forget(account: SessionAccount): void
}

interface ClosableSession {
  close(reason: CloseReason, detail: string): void
}

/**
 * Costs of one session. Its CPU limit is its own or an equal share of its address's, whichever is less, so that
 * sessions of one address do not slow each other.
 */
export class SessionAccount {
  readonly address: AddressAccount
  readonly #openedAt: number
  readonly #budget: ServerBudget
  /** Session to close if it exceeds its limits. */
  session: ClosableSession | undefined
  #received = 0
  #queued = 0
  /** Milliseconds of CPU left; a debt if below 0. */
  #left: number
  #refilledAt: number
  #behindSince = 0
  #behindUntil = Number.NEGATIVE_INFINITY
  #isClosed = false
  #rates: RequestRates | undefined

  constructor(budget: ServerBudget, address: AddressAccount) {
    this.#budget = budget
    this.address = address
    this.#openedAt = budget.now()
    this.#refilledAt = budget.now()
    // An address over its budget gets no new burst by reconnecting.
    this.#left = address.isOverBudget ? 0 : this.#rate * BURST
  }

  /** Milliseconds of CPU per second. */
  get #rate(): number {
    const { workPerSession, workPerIp } = this.#budget.limits
    const { exempt, sessions } = this.address
    return exempt ? workPerSession : Math.min(workPerSession, (workPerIp * SESSIONS_SHARE) / Math.max(1, sessions))
  }

  get isNew(): boolean {
    return this.#budget.now() - this.#openedAt < NEW_FOR
  }

  get received(): number {
    return this.#received
  }

  /** Counts a request. @returns false if it exceeds the rate of the session or of its address */
  admitRequest(kind: RequestKind): boolean {
    return this.admitOwnRequest(kind) && this.address.admitRequest(kind)
  }

  /** Counts a request for the session only. @returns false if it exceeds the rate */
  admitOwnRequest(kind: RequestKind): boolean {
    this.#rates ??= new RequestRates()
    return this.#rates.admit(kind, this.#budget.sessionRates, this.#budget.now())
  }

  /** Frees memory that idle sessions do not need. */
  tidy(): void {
    if (this.#rates?.tidy(this.#budget.now()) === true) this.#rates = undefined
  }

  charge(kind: WorkKind, times = 1): void {
    this.address.charge(kind, times)
    this.#left = this.#refill() - PRICES[kind] * times
  }

  get isOverBudget(): boolean {
    return this.#left < 0 && this.#refill() < 0
  }

  /** Milliseconds until it is within its budget. */
  get debt(): number {
    const left = this.#refill()
    return left >= 0 ? 0 : (-left / this.#rate) * 1_000
  }

  /** Called when the session is over its budget with unprocessed input. @returns whether that has lasted too long */
  isFlooding(wait: number): boolean {
    const now = this.#budget.now()
    if (now - this.#behindUntil > CAUGHT_UP) this.#behindSince = now
    this.#behindUntil = now + wait
    return now - this.#behindSince >= this.#budget.limits.floodTimeout
  }

  /** Adds the session to the count of sessions paused over their budget, or removes it. */
  setSlowed(isSlowed: boolean): void {
    this.#budget.slowed += isSlowed ? 1 : -1
  }

  /** Closes the session for exceeding its limits. */
  close(reason: CloseReason, detail: string): void {
    this.forget()
    this.session?.close(reason, detail)
  }

  /** @param bytes - unprocessed bytes received; negative if they have been processed */
  addReceived(bytes: number): void {
    if (bytes === 0 || this.#isClosed) return
    this.#received += bytes
    this.address.received += bytes
    this.#budget.received += bytes
    if (bytes > 0) this.#budget.checkReceived(this)
  }

  /** @param bytes - present backlog of the session */
  setQueued(bytes: number): void {
    if (this.#isClosed) return
    this.address.queued += bytes - this.#queued
    this.#queued = bytes
  }

  /** Returns the backlog at which senders are paused: `usual`, or less if its address has too large a backlog. */
  allowance(usual: number): number {
    const { exempt, queued, sessions } = this.address
    const { bufferedBytesPerIp } = this.#budget.limits
    return exempt || queued <= bufferedBytesPerIp ? usual : Math.min(usual, bufferedBytesPerIp / Math.max(1, sessions))
  }

  /** Closes the account when the session ends. */
  forget(): void {
    if (this.#isClosed) return
    this.addReceived(-this.#received)
    this.setQueued(0)
    this.#isClosed = true
    this.#budget.forget(this)
  }

  #refill(): number {
    const now = this.#budget.now()
    const rate = this.#rate
    this.#left = Math.min(rate * BURST, this.#left + ((now - this.#refilledAt) * rate) / 1_000)
    this.#refilledAt = now
    return this.#left
  }
}
