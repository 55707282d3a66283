import { setTimeout as delay } from 'node:timers/promises'

export interface RegistrySyncTasks {
  /** Takes a lease, and compares all claims of this node with the registry. */
  register(): Promise<void>
  /** @param isNew - whether this node has just registered */
  takeSnapshot(isNew: boolean): Promise<void>
  /** Called when a task failed. The task is repeated while Redis is connected. */
  failed(error: unknown): void
}

/** `all` registers and then takes a snapshot. */
export type SyncScope = 'snapshot' | 'all'

/** Back-off after failures in milliseconds: at first, and at most. */
const RETRY_FIRST = 50
const RETRY_MAX = 1_000
/** Minimum milliseconds between two snapshots, so that a node that often misses changes does not read the registry all the time. */
const SNAPSHOT_PAUSE = 500

/** Keeps this node and Redis in sync: runs the requested tasks one after the other, and repeats those that fail. */
export class RegistrySync {
  readonly #work: RegistrySyncTasks
  readonly #isConnected: () => boolean
  readonly #stopping: AbortSignal
  readonly #now: () => number
  #requested: SyncScope | undefined
  #isRunning = false
  #failures = 0
  #snapshotAt = Number.NEGATIVE_INFINITY

  constructor(work: RegistrySyncTasks, isConnected: () => boolean, stopping: AbortSignal, now: () => number) {
    this.#work = work
    this.#isConnected = isConnected
    this.#stopping = stopping
    this.#now = now
  }

  /** Requests a sync. Without a connection, call this again once Redis is connected. */
  request(scope: SyncScope): void {
    if (this.#requested !== 'all') this.#requested = scope
    void this.#run()
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    try {
      while (this.#requested !== undefined && this.#isConnected() && !this.#stopping.aborted) {
        await this.#runOnce(this.#requested)
      }
    } catch {
      // The sync was stopped during a pause.
    } finally {
      this.#isRunning = false
    }
  }

  async #runOnce(scope: SyncScope): Promise<void> {
    this.#requested = undefined
    try {
      if (scope === 'all') await this.#work.register()
      else await this.#pause(this.#snapshotAt + SNAPSHOT_PAUSE - this.#now())
      await this.#work.takeSnapshot(scope === 'all')
      this.#snapshotAt = this.#now()
      this.#failures = 0
    } catch (error) {
      this.#stopping.throwIfAborted()
      this.#requested = this.#requested === 'all' ? 'all' : scope
      this.#work.failed(error)
      await this.#pause(Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(this.#failures++, 10)))
    }
  }

  /** @throws {Error} if stopped meanwhile */
  async #pause(ms: number): Promise<void> {
    if (ms > 0) await delay(ms, undefined, { signal: this.#stopping })
  }
}
