import type { Socket as NetSocket } from 'node:net'
import type { WebSocket } from 'ws'
import { headSize, PONG_OPCODE, TEXT_OPCODE, writeHead } from '../codec/websocket-frame.js'
import { sendFrames } from './engine-internals.js'

/** Unsent bytes above which a client counts as slow. */
export const SLOW_FROM = 65_536
/** Largest frame that is merged for slow clients. A separate frame takes half a kilobyte more memory than its bytes. */
const MAX_MERGED_FRAME = 8_192
const BLOCK_SIZE = 16_384
const TEXT = { binary: false, compress: false }
const MESSAGE = 0x34 // '4'

/** Writes frames to a WebSocket, and merges small ones while the client is slow, to save memory. */
export class FrameWriter {
  readonly #webSocket: WebSocket
  /** TCP or TLS socket. */
  readonly net: NetSocket
  #isSlow = false
  /** Whole frames that are sent together. */
  #block: Buffer | undefined
  #size = 0
  #onDrain: (() => void) | undefined

  constructor(webSocket: WebSocket, net: NetSocket) {
    this.#webSocket = webSocket
    this.net = net
  }

  get buffered(): number {
    return this.#webSocket.bufferedAmount + this.#size
  }

  /** Checks whether data from before this tick is still unsent. */
  checkSlow(): void {
    this.#isSlow = this.#size > 0 || this.#isBackedUp
  }

  /** Whether much is unsent, and the socket will emit `drain`. */
  get #isBackedUp(): boolean {
    return this.net.writableLength > SLOW_FROM && this.net.writableNeedDrain
  }

  /** @param written - called when the system has accepted the frames, or they are lost; not called for merged frames */
  write(frames: readonly Buffer[], written: (() => void) | undefined): void {
    if (this.#isSlow) {
      const size = frames.reduce((sum, { length }) => sum + length, 0)
      if (size <= MAX_MERGED_FRAME) {
        const block = this.#blockFor(size)
        for (const frame of frames) this.#size += frame.copy(block, this.#size)
        return
      }
      this.flush()
    }
    sendFrames(this.#webSocket, frames, written)
  }

  writeText(text: string, written: (() => void) | undefined): void {
    if (!this.#isSlow) return this.#webSocket.send(`4${text}`, TEXT, written)
    const size = 1 + Buffer.byteLength(text)
    const frame = Buffer.allocUnsafe(headSize(size) + size)
    const start = writeHead(frame, 0, TEXT_OPCODE, size)
    frame[start] = MESSAGE
    frame.write(text, start + 1)
    this.write([frame], written)
  }

  pong(data: Buffer): void {
    if (!this.#isSlow) return this.#webSocket.pong(data)
    const frame = Buffer.allocUnsafe(2 + data.length)
    data.copy(frame, writeHead(frame, 0, PONG_OPCODE, data.length))
    this.write([frame], undefined)
  }

  /** Sends the merged frames. */
  flush(): void {
    if (this.#block === undefined) return
    const bytes = this.#block.subarray(0, this.#size)
    this.#block = undefined
    this.#size = 0
    if (this.#onDrain !== undefined) this.net.off('drain', this.#onDrain)
    sendFrames(this.#webSocket, [bytes], undefined)
    // The frames that are merged next are sent on the next `drain` event.
    this.#isSlow = this.#isBackedUp
  }

  /** Returns a block with room for `size` more bytes. */
  #blockFor(size: number): Buffer {
    if (this.#size + size > BLOCK_SIZE) this.flush()
    if (this.#block === undefined) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK_SIZE)
      this.net.once('drain', (this.#onDrain ??= () => this.flush()))
    }
    return this.#block
  }
}
