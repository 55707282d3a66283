import type { Socket } from 'node:net'

/** Longest interval between flushes in quick succession, in milliseconds. */
const QUICK_SUCCESSION = 0.05
/** Largest flush, in bytes, that counts as small. */
const SMALL_FLUSH = 4_096
/** Small flushes in quick succession after which the server sleeps, so that more input gathers. */
const FLUSHES_BEFORE_GATHERING = 8

/**
 * Corks sockets until the data that was just read has been processed. Frames that arrived together leave together,
 * because system calls dominate the cost of small messages.
 *
 * Small messages that arrive one at a time still cost a wake-up, a read and a write each. After a few of them in quick succession,
 * the server sleeps briefly. Meanwhile the kernel collects further messages, which one read then takes. An idle server never
 * sleeps.
 */
export class Cork {
  /** Milliseconds of each sleep; 0 disables sleeping. */
  readonly #gatherTime: number
  /** Never notified; used only to sleep. */
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4))
  #corked: Socket[] = []
  #quickFlushes = 0
  #flushedAt = 0

  constructor(gatherTime: number) {
    this.#gatherTime = gatherTime
  }

  /** Corks a socket until the end of this tick. @returns whether this call corked it */
  corkForTick(socket: Socket): boolean {
    if (socket.writableCorked > 0) return false
    socket.cork()
    if (this.#corked.push(socket) === 1) process.nextTick(this.flush)
    return true
  }

  readonly flush = (): void => {
    const sockets = this.#corked
    if (sockets.length === 0) return
    this.#corked = []
    let bytes = 0
    for (const socket of sockets) {
      bytes += socket.writableLength
      socket.uncork()
    }
    if (this.#gatherTime > 0) this.#gatherIfBusy(bytes)
  }

  #gatherIfBusy(bytes: number): void {
    const now = performance.now()
    if (bytes > SMALL_FLUSH || now - this.#flushedAt > QUICK_SUCCESSION) this.#quickFlushes = 0
    else if (++this.#quickFlushes >= FLUSHES_BEFORE_GATHERING) {
      this.#quickFlushes = 0
      Atomics.wait(this.#sleeper, 0, 0, this.#gatherTime)
      this.#flushedAt = performance.now()
      return
    }
    this.#flushedAt = now
  }
}
