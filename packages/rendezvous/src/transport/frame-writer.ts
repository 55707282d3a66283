import type { Socket as NetSocket } from 'node:net'
import type { WebSocket } from 'ws'
import { headSize, PONG_OPCODE, TEXT_OPCODE, writeHead } from '../codec/websocket-frame.js'
import { sendFrames } from './engine-internals.js'

/** Bytes unsent from which on a client is written to be slow. */
export const SLOW_FROM = 65_536
/** Frames up to this size are merged while a client is slow: alone, each would take half a kilobyte more. */
const MERGED_UP_TO = 8_192
const BLOCK = 16_384
const TEXT = { binary: false, compress: false }
const MESSAGE = 0x34 // '4'

/** Writes frames to a WebSocket. What waits for a slow client takes about as much memory as it has bytes. */
export class FrameWriter {
  readonly #webSocket: WebSocket
  /** The TCP or TLS socket. */
  readonly net: NetSocket
  #isSlow = false
  /** Whole frames that are to leave together. */
  #block: Buffer | undefined
  #size = 0
  #onDrain: (() => void) | undefined

  constructor(webSocket: WebSocket, net: NetSocket) {
    this.#webSocket = webSocket
    this.net = net
  }

  /** Bytes that have not been handed to the operating system. */
  get buffered(): number {
    return this.#webSocket.bufferedAmount + this.#size
  }

  /** Looks whether the client is slow: what was written before this tick has not left. */
  checkSlow(): void {
    this.#isSlow = this.#size > 0 || this.#isBackedUp
  }

  /** Much is unsent, and it will be told when that has left. */
  get #isBackedUp(): boolean {
    return this.net.writableLength > SLOW_FROM && this.net.writableNeedDrain
  }

  /** @param written - called when they have been handed over, or lost, unless they are merged with others */
  write(frames: readonly Buffer[], written: (() => void) | undefined): void {
    if (this.#isSlow) {
      const size = frames.reduce((sum, { length }) => sum + length, 0)
      if (size <= MERGED_UP_TO) {
        const block = this.#blockFor(size)
        for (const frame of frames) this.#size += frame.copy(block, this.#size)
        return
      }
      this.flush()
    }
    sendFrames(this.#webSocket, frames, written)
  }

  /** @param text - a socket.io packet */
  writeText(text: string, written: (() => void) | undefined): void {
    if (!this.#isSlow) return this.#webSocket.send(`4${text}`, TEXT, written)
    const size = 1 + Buffer.byteLength(text)
    const frame = Buffer.allocUnsafe(headSize(size) + size)
    const start = writeHead(frame, 0, TEXT_OPCODE, size)
    frame[start] = MESSAGE
    frame.write(text, start + 1)
    this.write([frame], written)
  }

  /** Answers a ping. */
  pong(data: Buffer): void {
    if (!this.#isSlow) return this.#webSocket.pong(data)
    const frame = Buffer.allocUnsafe(2 + data.length)
    data.copy(frame, writeHead(frame, 0, PONG_OPCODE, data.length))
    this.write([frame], undefined)
  }

  /** Hands over what was merged. */
  flush(): void {
    if (this.#block === undefined) return
    const bytes = this.#block.subarray(0, this.#size)
    this.#block = undefined
    this.#size = 0
    if (this.#onDrain !== undefined) this.net.off('drain', this.#onDrain)
    sendFrames(this.#webSocket, [bytes], undefined)
    // Whatever is merged next needs somebody to hand it over.
    this.#isSlow = this.#isBackedUp
  }

  /** Returns a block that has room for so many bytes more. */
  #blockFor(size: number): Buffer {
    if (this.#size + size > BLOCK) this.flush()
    if (this.#block === undefined) {
      this.#block = Buffer.allocUnsafeSlow(BLOCK)
      this.net.once('drain', (this.#onDrain ??= () => this.flush()))
    }
    return this.#block
  }
}
