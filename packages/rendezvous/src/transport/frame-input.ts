import type { WebSocket } from 'ws'
import type { SessionAccount } from '../budget/session-account.js'
import { FrameScanner } from '../codec/frame-scanner.js'
import {
  decode,
  decoderOf,
  inputOf,
  freeUnfinished,
  onNetClose,
  installInput,
  startReading,
  stopReading,
  type ByteInput,
  type FrameDecoder
} from './engine-internals.js'
import { PacedInput, type InputContext } from './paced-input.js'

const OPEN = 1
/** Units of work in one piece of the input: a millisecond, and no less than a read of small chunks. */
const PIECE = 512
/** What was wrong with the last piece: one variable for all, for each is done with before the next. */
let failure: Error | null | undefined
const noteFailure = (error?: Error | null): void => {
  failure = error
}
/** Answers the pings of one client. */
interface PongSender {
  pong(data: Buffer): void
}

/** Returns the input of a WebSocket; undefined on runtimes where it cannot be reached. */
export function frameInputOf(webSocket: WebSocket): FrameInput | undefined {
  const input = inputOf(webSocket)
  return input instanceof FrameInput ? input : undefined
}

/**
 * What comes over one WebSocket, between its TCP socket and the decoder of ws: that would work through all it has been
 * given in one go, and answer every ping by itself.
 */
export class FrameInput extends PacedInput implements ByteInput {
  readonly #webSocket: WebSocket
  readonly #scanner = new FrameScanner()
  readonly #decoder: FrameDecoder
  /** What is being worked through, and how far. */
  #bytes: Buffer | undefined
  #at = 0
  /** Asks for more bytes. */
  #done: ((error?: Error | null) => void) | undefined
  #isReading = true
  #isStopped = false
  #isDiscarding = false
  /** Nothing it says matters any more but its part of the closing handshake. */
  isClosing = false
  /** Whether the connection has ended: looked at from the first time on that it is held. */
  #isSocketClosed: boolean | undefined
  /** A ping of engine.io in the current piece has been answered. */
  #isPingAnswered = false
  /** Data of the last ping that was not answered. */
  #unansweredPing: Buffer | undefined
  /** Answers a ping; several that come together have one answer (RFC 6455, section 5.5.3). */
  pongSender: PongSender | undefined

  private constructor(webSocket: WebSocket, account: SessionAccount, context: InputContext, decoder: FrameDecoder) {
    super(account, context)
    this.#webSocket = webSocket
    this.#decoder = decoder
  }

  /**
   * Puts itself before the decoder of a WebSocket that has just been opened.
   *
   * @returns undefined on runtimes where that cannot be done
   */
  static install(webSocket: WebSocket, account: SessionAccount, context: InputContext): FrameInput | undefined {
    const decoder = decoderOf(webSocket)
    if (decoder === undefined) return undefined
    const input = new FrameInput(webSocket, account, context, decoder)
    installInput(webSocket, decoder, input)
    return input
  }

  /** Returns whether a ping of engine.io in the current piece was answered before; from now on it is. */
  markAnswered(): boolean {
    const before = this.#isPingAnswered
    this.#isPingAnswered = true
    return before
  }

  override get hasUnprocessedInput(): boolean {
    return this.#bytes !== undefined
  }

  override pause(): void {
    // There is nobody to wait for: what has come is worked through.
    if (this.#isSocketClosed === true) return
    super.pause()
    this.#updateReading()
    if (this.#isSocketClosed !== undefined) return
    this.#isSocketClosed = false
    onNetClose(this.#webSocket, () => {
      this.#isSocketClosed = true
      super.resume()
    })
  }

  override resume(): void {
    super.resume()
    this.#updateReading()
  }

  override discard(): void {
    this.#isDiscarding = true
    freeUnfinished(this.#webSocket)
    this.setReceived(0)
    if (this.#bytes !== undefined) this.#finish()
  }

  protected override get isReadable(): boolean {
    return !this.#isDiscarding
  }

  protected override read(): void {
    this.#updateReading()
  }

  override work(): boolean {
    const hasMore = super.work()
    this.#updateReading()
    return hasMore
  }

  onPing(data: Buffer): void {
    this.#unansweredPing = data
  }

  /** @param done - is called once these bytes have been worked through: no more come before */
  receive(bytes: Buffer, done: (error?: Error | null) => void): void {
    if (this.#isDiscarding) return done()
    this.#bytes = bytes
    this.#at = 0
    this.#done = done
    this.run()
    this.#updateReading()
  }

  protected override step(): number {
    const bytes = this.#bytes
    if (bytes === undefined) return 0
    const from = this.#at
    this.#at = this.#scanner.scan(bytes, from, PIECE)
    const { units, controls, isFragment } = this.#scanner
    const idle = this.isClosing ? units : controls + Number(isFragment)
    if (idle > 0) this.account.charge('frame', idle)
    let piece = from === 0 && this.#at === bytes.length ? bytes : bytes.subarray(from, this.#at)
    // A fragment is kept, and all that it was read with would be kept with it.
    if (isFragment && piece.length * 2 < bytes.buffer.byteLength) piece = Buffer.from(piece)
    failure = undefined
    this.#isPingAnswered = false
    decode(this.#decoder, piece, noteFailure)
    if (this.#unansweredPing !== undefined) this.#answerPing(this.#unansweredPing)
    const isDone = this.#at === bytes.length
    const wrong = failure
    this.setReceived(this.#scanner.pendingBytes + (isDone ? 0 : bytes.length))
    if (wrong || isDone) this.#finish(wrong)
    return units
  }

  #finish(failure?: Error | null): void {
    const done = this.#done
    this.#bytes = undefined
    this.#done = undefined
    // May bring the next bytes at once.
    done?.(failure)
    this.#updateReading()
  }

  #answerPing(data: Buffer): void {
    this.#unansweredPing = undefined
    if (this.#webSocket.readyState !== OPEN) return
    if (this.pongSender === undefined) this.#webSocket.pong(data)
    else this.pongSender.pong(data)
  }

  /** Reads the TCP socket only while there is nothing else to do. */
  #updateReading(): void {
    const isWaiting = this.isUnread || this.#bytes !== undefined
    const isReading = !this.isPaused && !isWaiting
    if (isReading !== this.#isReading) {
      this.#isReading = isReading
      if (isReading) this.#webSocket.resume()
      else this.#webSocket.pause()
    }
    // A paused session may last: a stream that reads ahead notices when its client is gone.
    const isStopped = isWaiting && !this.isPaused
    if (isStopped === this.#isStopped) return
    this.#isStopped = isStopped
    if (isStopped) stopReading(this.#webSocket)
    else startReading(this.#webSocket)
  }
}
