import type { SessionAccount } from '../budget/session-account.js'
import type { FairQueue, Flow } from '../pacing/fair-queue.js'
import type { Counters } from '../stats.js'

/** What all inputs of a server share. */
export interface InputContext {
  readonly queue: FairQueue
  readonly counters: Pick<Counters, 'pause'>
}

/**
 * What a client has sent and the server has not worked through. It is done in pieces, in turn with the input of others; a
 * client that has cost more than it may, or that is held, waits.
 */
export abstract class PacedInput implements Flow {
  readonly group: object
  readonly account: SessionAccount
  readonly #context: InputContext
  #isHeld = false
  #isInLine = false
  #isRunning = false
  #kept = 0
  /** Runs while the client owes. */
  #slowed: NodeJS.Timeout | undefined

  constructor(account: SessionAccount, context: InputContext) {
    this.account = account
    this.#context = context
    // Those that are exempt have nothing in common but that.
    this.group = account.address.exempt ? this : account.address
  }

  /** There is input that has not been worked through. */
  abstract get isBehind(): boolean

  /** What is there is no use, or comes from a client that is gone. */
  abstract discard(): void

  /** Works through the next piece. @returns units of work */
  protected abstract step(): number

  get isHeld(): boolean {
    return this.#isHeld
  }

  /** Nothing is worked through until {@link release}. */
  hold(): void {
    this.#isHeld = true
  }

  release(): void {
    this.#isHeld = false
    this.run()
  }

  /** There is more: it is worked through now, if little else is to be done. */
  protected run(): void {
    if (this.#isRunning || this.#isInLine) return
    const { queue } = this.#context
    this.#isRunning = true
    while (this.isBehind && queue.isFree && this.#mayWork()) queue.note(this.step())
    this.#isRunning = false
    if (this.isBehind && this.#mayWork()) {
      this.#isInLine = true
      queue.add(this)
    }
  }

  /** Called in turn. */
  work(): boolean {
    this.#isRunning = true
    if (this.isBehind && this.#mayWork()) this.step()
    this.#isRunning = false
    this.#isInLine = this.isBehind && this.#mayWork()
    return this.#isInLine
  }

  /** @param bytes - how much memory what is there takes */
  protected keep(bytes: number): void {
    this.account.keep(bytes - this.#kept)
    this.#kept = bytes
  }

  #mayWork(): boolean {
    if (this.#isHeld || this.#slowed !== undefined) return false
    if (!this.account.owes) return true
    const { debt } = this.account
    if (this.account.isFlooding(debt)) {
      this.account.close('flood', 'too many messages')
      return false
    }
    this.#context.counters.pause('flood')
    this.account.slow(true)
    this.#slowed = setTimeout(() => {
      this.#slowed = undefined
      this.account.slow(false)
      this.run()
    }, debt).unref()
    return false
  }
}
