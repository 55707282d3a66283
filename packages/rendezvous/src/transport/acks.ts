/** Outcome of a request to a client. */
export type RequestOutcome = { answered: true; args: unknown[] } | { answered: false; reason: 'timeout' | 'closed' }

interface PendingRequest {
  settle: (outcome: RequestOutcome) => void
  /** Milliseconds that were left when the timer was last started. */
  left: number
  startedAt: number
  timer: NodeJS.Timeout | undefined
}

const clock = () => performance.now()

/** Requests of one session that await the client's acknowledgement. Their timers stop while the session is paused. */
export class AckTable {
  /** Requests by id; undefined until the first one. */
  #pending: Map<number, PendingRequest> | undefined
  readonly #now: () => number
  #nextId = 0
  #paused = false

  constructor(now: () => number = clock) {
    this.#now = now
  }

  get size(): number {
    return this.#pending?.size ?? 0
  }

  /** Adds a request. @returns the id that the acknowledgement will have */
  add(timeout: number, settle: (outcome: RequestOutcome) => void): number {
    const id = this.#nextId++
    const pending: PendingRequest = { settle, left: timeout, startedAt: 0, timer: undefined }
    this.#pending ??= new Map()
    this.#pending.set(id, pending)
    if (!this.#paused) this.#start(id, pending)
    return id
  }

  /** Settles a request. @returns false if the request is unknown or already settled */
  settle(id: number, outcome: RequestOutcome): boolean {
    const pending = this.#pending?.get(id)
    if (pending === undefined) return false
    this.#pending?.delete(id)
    clearTimeout(pending.timer)
    pending.settle(outcome)
    return true
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    for (const pending of this.#pending?.values() ?? []) {
      clearTimeout(pending.timer)
      pending.left -= this.#now() - pending.startedAt
    }
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    for (const [id, pending] of this.#pending ?? []) this.#start(id, pending)
  }

  close(): void {
    for (const id of this.#pending?.keys() ?? []) this.settle(id, { answered: false, reason: 'closed' })
  }

  #start(id: number, pending: PendingRequest): void {
    pending.startedAt = this.#now()
    pending.timer = setTimeout(
      () => this.settle(id, { answered: false, reason: 'timeout' }),
      Math.max(0, pending.left)
    ).unref()
  }
}
