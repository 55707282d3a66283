import type { SessionAccount } from '../budget/session-account.js'
import type { FairQueue, WorkSource } from '../pacing/fair-queue.js'
import type { Counters } from '../stats.js'

export interface InputContext {
  readonly queue: FairQueue
  readonly counters: Pick<Counters, 'pause'>
}

/** Units of work in the turn of a client that was left unread: more than one read of small chunks. */
const TURN_UNITS = 1_024

/**
 * Unprocessed input of one client. The input is processed in pieces, in turn with the input of other clients, except while the
 * client is over its budget or its session is paused.
 *
 * On a busy server, a client whose input has been processed is left unread until its next turn. Input that was read earlier would
 * have left the CPU's caches by then.
 */
export abstract class PacedInput implements WorkSource {
  readonly group: object
  readonly account: SessionAccount
  readonly #context: InputContext
  #isPaused = false
  #isQueued = false
  #isRunning = false
  #isUnread = false
  /** Whether the next input that is read is processed immediately. */
  #hasTurn = false
  #received = 0
  /** Set while the client is over its budget. */
  #slowed: NodeJS.Timeout | undefined

  constructor(account: SessionAccount, context: InputContext) {
    this.account = account
    this.#context = context
    // All exempt clients share one account, but not a place in the queue.
    this.group = account.address.exempt ? this : account.address
  }

  abstract get hasUnprocessedInput(): boolean

  /** Drops the input, now and in future. */
  abstract discard(): void

  /** Processes the next piece. @returns its units of work */
  protected abstract step(): number

  /** Whether the client can be left unread. */
  protected abstract get isReadable(): boolean

  protected abstract read(): void

  get isPaused(): boolean {
    return this.#isPaused
  }

  get isNew(): boolean {
    return this.account.isNew
  }

  /** Whether the client is left unread until its turn. */
  get isUnread(): boolean {
    return this.#isUnread
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.run()
  }

  /** Processes received input: immediately if the server is idle, else in turn. */
  protected run(): void {
    if (this.#isRunning || this.#isQueued) return
    const { queue } = this.#context
    this.#isRunning = true
    if (this.#hasTurn) {
      this.#hasTurn = false
      let units = 0
      while (units < TURN_UNITS && this.hasUnprocessedInput && this.#mayWork()) units += this.step()
      queue.afterPiece()
    }
    while (this.hasUnprocessedInput && queue.mayRunNow && this.#mayWork()) queue.recordWork(this.step())
    this.#isRunning = false
    this.#isQueued = this.#wantsTurn()
    if (this.#isQueued) queue.add(this)
  }

  work(): boolean {
    this.#isQueued = false
    if (this.#isUnread) {
      this.#isUnread = false
      this.#hasTurn = true
      this.#context.queue.countDeferredTurn()
      this.read()
      return false
    }
    this.#isRunning = true
    if (this.hasUnprocessedInput && this.#mayWork()) this.step()
    this.#isRunning = false
    this.#isQueued = this.#wantsTurn()
    return this.#isQueued
  }

  /** @param bytes - memory of the unprocessed input */
  protected setReceived(bytes: number): void {
    this.account.addReceived(bytes - this.#received)
    this.#received = bytes
  }

  #wantsTurn(): boolean {
    if (this.hasUnprocessedInput) return this.#mayWork()
    this.#isUnread = this.#context.queue.isBusy && this.isReadable
    return this.#isUnread
  }

  #mayWork(): boolean {
    if (this.#isPaused || this.#slowed !== undefined) return false
    if (!this.account.isOverBudget) return true
    const { debt } = this.account
    if (this.account.isFlooding(debt)) {
      this.account.close('flood', 'too many messages')
      return false
    }
    this.#context.counters.pause('flood')
    this.account.setSlowed(true)
    this.#slowed = setTimeout(() => {
      this.#slowed = undefined
      this.account.setSlowed(false)
      this.run()
    }, debt).unref()
    return false
  }
}
