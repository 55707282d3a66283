import { BURST } from '../pacing/token-bucket.js'
import type { CloseReason } from '../stats.js'
import type { AddressAccount } from './address-account.js'
import type { BudgetLimits } from './limits.js'
import { PRICES, type WorkKind } from './prices.js'
import { RequestRates, type RequestKind, type RateLimits } from './request-rates.js'

/** The part of what an address may cost that is for its sessions; the rest is for new connections and for pages. */
const SESSIONS_SHARE = 0.5
/** Milliseconds after which a session that owed and had no more input is taken to have stopped. */
const CAUGHT_UP = 1_000

/** The budget, as its accounts see it. */
export interface ServerBudget {
  readonly limits: BudgetLimits
  /** Of one session. */
  readonly sessionRates: RateLimits
  /** Bytes received from all sessions and not worked through. */
  received: number
  /** Sessions that are not read from for what they have cost. */
  slowed: number
  now(): number
  checkReceived(account: SessionAccount): void
  forget(account: SessionAccount): void
}

/** What an account is kept for. */
interface ClosableSession {
  close(reason: CloseReason, detail: string): void
}

/**
 * What one session costs. Its share of the CPU is its own limit, or an equal part of what its address may cost if that is
 * less, so that the sessions of one address do not live at each other's expense.
 */
export class SessionAccount {
  readonly address: AddressAccount
  readonly #budget: ServerBudget
  /** Closed when it has cost too much. */
  session: ClosableSession | undefined
  /** Bytes received from it and not worked through. */
  #received = 0
  /** Bytes queued for it. */
  #queued = 0
  /** Milliseconds of CPU it may cost now; below 0 it owes. */
  #left: number
  #refilledAt: number
  #behindSince = 0
  #behindUntil = Number.NEGATIVE_INFINITY
  #isClosed = false
  #rates: RequestRates | undefined

  constructor(budget: ServerBudget, address: AddressAccount) {
    this.#budget = budget
    this.address = address
    this.#refilledAt = budget.now()
    // An address that owes gets no credit by connecting anew.
    this.#left = address.isOverBudget ? 0 : this.#rate * BURST
  }

  /** Milliseconds of CPU per second. */
  get #rate(): number {
    const { workPerSession, workPerIp } = this.#budget.limits
    const { exempt, sessions } = this.address
    return exempt ? workPerSession : Math.min(workPerSession, (workPerIp * SESSIONS_SHARE) / Math.max(1, sessions))
  }

  get received(): number {
    return this.#received
  }

  /** Counts a request. @returns false if the session, or its address, makes too many of its kind */
  admitRequest(kind: RequestKind): boolean {
    return this.admitOwnRequest(kind) && this.address.admitRequest(kind)
  }

  /** Counts a request for the session alone. @returns false if it makes too many of its kind */
  admitOwnRequest(kind: RequestKind): boolean {
    this.#rates ??= new RequestRates()
    return this.#rates.admit(kind, this.#budget.sessionRates, this.#budget.now())
  }

  /** Forgets what can be made anew. */
  tidy(): void {
    if (this.#rates?.tidy(this.#budget.now()) === true) this.#rates = undefined
  }

  /** Adds work that was done for it. */
  charge(kind: WorkKind, times = 1): void {
    this.address.charge(kind, times)
    this.#left = this.#refill() - PRICES[kind] * times
  }

  /** It has cost more than it may. */
  get isOverBudget(): boolean {
    return this.#left < 0 && this.#refill() < 0
  }

  /** Milliseconds until it owes nothing. */
  get debt(): number {
    const left = this.#refill()
    return left >= 0 ? 0 : (-left / this.#rate) * 1_000
  }

  /**
   * It owes, and there is more input of it.
   *
   * @param wait - milliseconds until it owes nothing
   * @returns whether that has gone on for too long
   */
  isFlooding(wait: number): boolean {
    const now = this.#budget.now()
    if (now - this.#behindUntil > CAUGHT_UP) this.#behindSince = now
    this.#behindUntil = now + wait
    return now - this.#behindSince >= this.#budget.limits.floodTimeout
  }

  /** It is not read from for what it has cost, or is again. */
  setSlowed(isSlowed: boolean): void {
    this.#budget.slowed += isSlowed ? 1 : -1
  }

  /** Ends the session for what it has cost. */
  close(reason: CloseReason, detail: string): void {
    this.forget()
    this.session?.close(reason, detail)
  }

  /** @param more - bytes of what it has sent that take memory from now on; below 0 if they no longer do */
  addReceived(bytes: number): void {
    if (bytes === 0 || this.#isClosed) return
    this.#received += bytes
    this.address.received += bytes
    this.#budget.received += bytes
    if (bytes > 0) this.#budget.checkReceived(this)
  }

  /** @param bytes - how much is queued for it now */
  setQueued(bytes: number): void {
    if (this.#isClosed) return
    this.address.queued += bytes - this.#queued
    this.#queued = bytes
  }

  /**
   * Bytes that may be queued for it before those who send to it are held: less than usual while too much is queued for its
   * address.
   *
   * @param usual - without regard to its address
   */
  allowance(usual: number): number {
    const { exempt, queued, sessions } = this.address
    const { bufferedBytesPerIp } = this.#budget.limits
    return exempt || queued <= bufferedBytesPerIp ? usual : Math.min(usual, bufferedBytesPerIp / Math.max(1, sessions))
  }

  /** The session has ended, or is about to: what it has taken is free. */
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
