import type { CloseReason } from '../../src/stats.js'
import type { Link } from '../../src/transport/link.js'

/** Has the public face of a link and no connection: a test says how much is unsent, and when the client answers a ping. */
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
  /** What it was told to do, in order. */
  readonly told: unknown[][] = []
  readonly #pongListeners = new Set<() => void>()
  readonly #onResume: (() => void)[] = []

  /** A cast, since a class with private fields takes no other class for itself. */
  get link(): Link {
    return this as unknown as Link
  }

  /** Those who want to know of pongs. */
  get listeners(): number {
    return this.#pongListeners.size
  }

  /** How often it was told to do that. */
  count(what: string): number {
    return this.told.filter(([kind]) => kind === what).length
  }

  /** The client answers a ping. */
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
