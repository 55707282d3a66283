/** `sent`: the receiver has not confirmed all bytes yet. */
export type TransferState = 'offered' | 'running' | 'sent' | 'done' | 'refused' | 'stopped' | 'failed'

/** Milliseconds without progress after which a transfer counts as stalled. */
const STALLED_AFTER = 1_500
/** Milliseconds over which a rate is averaged. */
const SMOOTHING = 2_000

/** The transfer of a file, as one side sees it. */
export class Transfer {
  readonly id: string
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** Whether this side sends it. */
  readonly isOwn: boolean
  state: TransferState = 'offered'
  /** Reason of the failure. */
  problem = ''
  /** Bytes sent or received. */
  bytes = 0
  /** URL of the received file. */
  url: string | undefined
  isSaved = false
  /** Bytes per second, smoothed. */
  rate = 0
  /** The file that this side sends. */
  readonly file: File | undefined
  readonly #stop = new AbortController()
  #measured = { at: 0, bytes: 0 }
  #movedAt = 0
  #paused: PromiseWithResolve | undefined

  constructor(init: { id: string; name: string; size: number; file?: File }) {
    this.id = init.id
    this.name = init.name
    this.size = init.size
    this.file = init.file
    this.isOwn = init.file !== undefined
  }

  get isOver(): boolean {
    return this.state !== 'offered' && this.state !== 'running' && this.state !== 'sent'
  }

  /** Aborted when either side stops the transfer, or it fails. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  start(now: number): void {
    this.state = 'running'
    this.#measured = { at: now, bytes: 0 }
    this.#movedAt = now
  }

  end(state: TransferState, problem = ''): void {
    if (this.isOver) return
    this.state = state
    this.problem = problem
    this.resume()
    if (this.isOver && state !== 'done') this.#stop.abort(new Error(problem || state))
  }

  /** Whether the user of this side paused it. */
  get isPaused(): boolean {
    return this.#paused !== undefined
  }

  pause(): void {
    this.#paused ??= promiseWithResolve()
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = undefined
  }

  async untilResumed(): Promise<void> {
    await this.#paused?.promise
  }

  /** Returns whether there was no progress for a while: the other side does not read, or the network is blocked. */
  isStalled(now: number): boolean {
    return this.state === 'running' && now - this.#movedAt > STALLED_AFTER
  }

  /** Updates the rate; called a few times a second. */
  updateRate(now: number): void {
    const elapsed = now - this.#measured.at
    if (this.state !== 'running' || elapsed <= 0) return
    const moved = this.bytes - this.#measured.bytes
    if (moved > 0) this.#movedAt = now
    const latest = (moved * 1000) / elapsed
    const weight = this.rate === 0 ? 1 : 1 - Math.exp(-elapsed / SMOOTHING)
    this.rate += (latest - this.rate) * weight
    this.#measured = { at: now, bytes: this.bytes }
  }

  /** Estimated milliseconds until the end; undefined while there is no rate. */
  get remaining(): number | undefined {
    return this.rate < 1 ? undefined : ((this.size - this.bytes) * 1000) / this.rate
  }
}

interface PromiseWithResolve {
  promise: Promise<void>
  resolve: () => void
}

function promiseWithResolve(): PromiseWithResolve {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
