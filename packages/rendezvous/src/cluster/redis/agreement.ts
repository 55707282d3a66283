import { setTimeout as delay } from 'node:timers/promises'

/** What this node does to be of one mind with Redis. */
export interface AgreementWork {
  /** Takes a lease, and compares all that this node holds with the registry. */
  register(): Promise<void>
  /** @param isNew - this node has registered before it */
  takeSnapshot(isNew: boolean): Promise<void>
  /** Something failed: it is done again for as long as there is a connection. */
  failed(error: unknown): void
}

/** A snapshot, or that after registering. */
export type Need = 'snapshot' | 'all'

/** Milliseconds between attempts, at first and at most. */
const RETRY_FIRST = 50
const RETRY_MAX = 1_000
/** Milliseconds between two snapshots alone: when many changes at once were missed, more will be. */
const SNAPSHOT_PAUSE = 500

/** Does what is needed, one after the other, until nothing is. */
export class Agreement {
  readonly #work: AgreementWork
  readonly #isConnected: () => boolean
  readonly #stopping: AbortSignal
  readonly #now: () => number
  #need: Need | undefined
  #isAtWork = false
  /** Attempts since one succeeded. */
  #failures = 0
  #snapshotAt = Number.NEGATIVE_INFINITY

  /** @param stopping - nothing is done after that */
  constructor(work: AgreementWork, isConnected: () => boolean, stopping: AbortSignal, now: () => number) {
    this.#work = work
    this.#isConnected = isConnected
    this.#stopping = stopping
    this.#now = now
  }

  /** Without a connection, what is wanted waits until it is wanted again with one. */
  want(need: Need): void {
    if (this.#need !== 'all') this.#need = need
    void this.#doAll()
  }

  async #doAll(): Promise<void> {
    if (this.#isAtWork) return
    this.#isAtWork = true
    try {
      while (this.#need !== undefined && this.#isConnected() && !this.#stopping.aborted) await this.#doOnce(this.#need)
    } catch {
      // Stopped while it waited.
    } finally {
      this.#isAtWork = false
    }
  }

  async #doOnce(need: Need): Promise<void> {
    this.#need = undefined
    try {
      if (need === 'all') await this.#work.register()
      else await this.#pause(this.#snapshotAt + SNAPSHOT_PAUSE - this.#now())
      await this.#work.takeSnapshot(need === 'all')
      this.#snapshotAt = this.#now()
      this.#failures = 0
    } catch (error) {
      this.#stopping.throwIfAborted()
      this.#need = this.#need === 'all' ? 'all' : need
      this.#work.failed(error)
      await this.#pause(Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(this.#failures++, 10)))
    }
  }

  /** @throws {Error} if it is stopped meanwhile */
  async #pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stopping })
  }
}
