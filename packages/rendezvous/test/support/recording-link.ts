import type { CloseReason } from '../../src/stats.js'
import type { Link } from '../../src/transport/link.js'

/** Link without a connection. A test sets its backlog and answers its pings. */
export class RecordingLink implements Pick<Link, keyof Link> {
  buffered = 0
  progress = 0
  polling = false
  hasResumeCallbacks = false
  paused = false
  hasUnprocessedInput = false
  ended = false
  closing = false
  isDirect = true
  readonly closes: CloseReason[] = []
  /** Calls in order. */
  readonly told: unknown[][] = []
  readonly #pongListeners = new Set<() => void>()
  readonly #onResume: (() => void)[] = []

  /** A cast, since private fields make classes nominal. */
  get link(): Link {
    return this as unknown as Link
  }

  /** Subscribers to pongs. */
  get listeners(): number {
    return this.#pongListeners.size
  }

  /** Counts the calls of a kind. */
  count(what: string): number {
    return this.told.filter(([kind]) => kind === what).length
  }

  /** Answers a ping. */
  pong(): void {
    for (const listener of this.#pongListeners) listener()
  }

  onPong(listener: () => void): () => void {
    this.#pongListeners.add(listener)
    return () => this.#pongListeners.delete(listener)
  }

  onPoll(): () => void {
    return () => {}
  }

  pause(): void {
    if (!this.paused) this.told.push(['pause'])
    this.paused = true
  }

  resume(): void {
    if (this.paused) this.told.push(['resume'])
    this.paused = false
    for (const callback of this.#onResume.splice(0)) callback()
  }

  whenResumed(callback: () => void): void {
    this.#onResume.push(callback)
  }

  onDrain(mark: number): void {
    this.told.push(['drain at', mark])
  }

  reassure(): void {
    this.told.push(['reassured'])
  }

  ping(): void {
    this.told.push(['ping'])
  }

  answerPing(): void {}
  sendText(): void {}
  sendEncoded(): void {}
  sendChunk(): void {}
  recordActivity(): void {}

  close(reason: CloseReason): void {
    this.closes.push(reason)
  }

  terminate(reason: CloseReason): void {
    this.closes.push(reason)
    this.ended = true
  }
}
