import type { Socket } from 'node:net'

/** Flushes closer to each other than this, in milliseconds, belong to messages that come in quick succession. */
const QUICK_SUCCESSION = 0.05
/** A flush of more bytes than this has gathered enough by itself. */
const SMALL_FLUSH = 4_096
/** So many small flushes in quick succession are followed by a rest. */
const FLUSHES_BEFORE_GATHERING = 8

/**
 * Holds back what is written to sockets until the data that was just read has been worked through, so that frames which
 * came together leave together: with small messages, system calls are what costs.
 *
 * Senders that write one small message at a time in quick succession would still cost a wake-up, a read and a write
 * each. So after a few of those the server rests, as a network card does that gathers packets before it interrupts: the
 * kernel collects what comes meanwhile, and one read takes it all. A server that is not busy never rests.
 */
export class Cork {
  /** Milliseconds; 0 never rests. */
  readonly #gatherTime: number
  /** What nobody ever wakes. */
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4))
  #corked: Socket[] = []
  #quickFlushes = 0
  #flushedAt = 0

  /** @param gatherTime - milliseconds that small messages in quick succession may be gathered for; 0 for none */
  constructor(gatherTime: number) {
    this.#gatherTime = gatherTime
  }

  /**
   * Whatever is written to the socket in this tick leaves at its end.
   *
   * @returns whether this is the first that is written in this tick
   */
  corkForTick(socket: Socket): boolean {
    if (socket.writableCorked > 0) return false
    socket.cork()
    if (this.#corked.push(socket) === 1) process.nextTick(this.flush)
    return true
  }

  /** Lets everything leave that is held. */
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
