/**
 * - `offered`: the receiver has not answered
 * - `running`: bytes flow, or are about to
 * - `sent`: all have left, and the receiver has not said that it has them
 */
export type TransferState = 'offered' | 'running' | 'sent' | 'done' | 'refused' | 'stopped' | 'failed'

/** Milliseconds without a byte after which a sender is said to be held. */
const HELD_AFTER = 1_500
/** Milliseconds over which a rate is averaged. */
const SMOOTHING = 2_000

/** One file on its way, as one side sees it. */
export class Transfer {
  readonly id: string
  readonly name: string
  /** Bytes. */
  readonly size: number
  /** This side sends it. */
  readonly isOwn: boolean
  state: TransferState = 'offered'
  /** Why it failed. */
  problem = ''
  /** So many have been sent, or received. */
  bytes = 0
  /** Where the received file can be had. */
  url: string | undefined
  /** It was written to a file that the receiver chose. */
  isSaved = false
  /** Bytes per second, lately. */
  rate = 0
  /** What is sent, to send it again. */
  readonly file: File | undefined
  readonly #stop = new AbortController()
  #noted = { at: 0, bytes: 0 }
  #movedAt = 0
  #paused: PromiseWithResolve | undefined

  constructor(init: { id: string; name: string; size: number; file?: File }) {
    this.id = init.id
    this.name = init.name
    this.size = init.size
    this.file = init.file
    this.isOwn = init.file !== undefined
  }

  /** Nothing more comes of it. */
  get isOver(): boolean {
    return this.state !== 'offered' && this.state !== 'running' && this.state !== 'sent'
  }

  /** Aborted when either side wants no more of it, or it failed. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  start(now: number): void {
    this.state = 'running'
    this.#noted = { at: now, bytes: 0 }
    this.#movedAt = now
  }

  end(state: TransferState, problem = ''): void {
    if (this.isOver) return
    this.state = state
    this.problem = problem
    this.resume()
    if (this.isOver && state !== 'done') this.#stop.abort(new Error(problem || state))
  }

  /** The receiver has stopped reading. */
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

  /** Waits while it is paused. */
  async untilResumed(): Promise<void> {
    await this.#paused?.promise
  }

  /** No byte has left for a while: the other side does not read, or the way is blocked. */
  isHeld(now: number): boolean {
    return this.state === 'running' && now - this.#movedAt > HELD_AFTER
  }

  /** Looks at how far it has come; called a few times a second. */
  note(now: number): void {
    const elapsed = now - this.#noted.at
    if (this.state !== 'running' || elapsed <= 0) return
    const moved = this.bytes - this.#noted.bytes
    if (moved > 0) this.#movedAt = now
    const latest = (moved * 1000) / elapsed
    const weight = this.rate === 0 ? 1 : 1 - Math.exp(-elapsed / SMOOTHING)
    this.rate += (latest - this.rate) * weight
    this.#noted = { at: now, bytes: this.bytes }
  }

  /** Milliseconds until the end at this rate; undefined while that cannot be said. */
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
