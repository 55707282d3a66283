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
/** Units of work in one piece of input: about a millisecond, and at least a read of small chunks. */
const PIECE_UNITS = 512
/** Error of the last piece. All inputs share this variable, since pieces are decoded synchronously. */
let failure: Error | null | undefined
const noteFailure = (error?: Error | null): void => {
  failure = error
}
interface PongSender {
  pong(data: Buffer): void
}

/** Returns the input of a WebSocket; undefined if the runtime hides its decoder. */
export function frameInputOf(webSocket: WebSocket): FrameInput | undefined {
  const input = inputOf(webSocket)
  return input instanceof FrameInput ? input : undefined
}

/** Input of a WebSocket, in front of the decoder of `ws`, which would process all input at once and answer each ping. */
export class FrameInput extends PacedInput implements ByteInput {
  readonly #webSocket: WebSocket
  readonly #scanner = new FrameScanner()
  readonly #decoder: FrameDecoder
  /** Bytes that are being processed. */
  #bytes: Buffer | undefined
  #at = 0
  /** Requests more bytes. */
  #done: ((error?: Error | null) => void) | undefined
  #isReading = true
  #isStopped = false
  #isDiscarding = false
  /** Whether only the client's close frame still matters. */
  isClosing = false
  /** Whether the TCP socket has closed; undefined until the first pause, before which that does not matter. */
  #isSocketClosed: boolean | undefined
  /** Whether an engine.io ping in the current piece has been answered. */
  #isPingAnswered = false
  /** Data of the last unanswered ping. */
  #unansweredPing: Buffer | undefined
  /** Answers pings. One answer serves several that arrive together (RFC 6455, section 5.5.3). */
  pongSender: PongSender | undefined

  private constructor(webSocket: WebSocket, account: SessionAccount, context: InputContext, decoder: FrameDecoder) {
    super(account, context)
    this.#webSocket = webSocket
    this.#decoder = decoder
  }

  /** Installs an input on a newly opened WebSocket. @returns undefined if the runtime hides its decoder */
  static install(webSocket: WebSocket, account: SessionAccount, context: InputContext): FrameInput | undefined {
    const decoder = decoderOf(webSocket)
    if (decoder === undefined) return undefined
    const input = new FrameInput(webSocket, account, context, decoder)
    installInput(webSocket, decoder, input)
    return input
  }

  /** Marks the engine.io pings of the current piece as answered. @returns whether they were marked already */
  markAnswered(): boolean {
    const before = this.#isPingAnswered
    this.#isPingAnswered = true
    return before
  }

  override get hasUnprocessedInput(): boolean {
    return this.#bytes !== undefined
  }

  override pause(): void {
    // A pause is useless once the socket is closed. The bytes that it received are processed.
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

  /** @param done - called when the bytes have been processed. Only then more bytes arrive */
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
    this.#at = this.#scanner.scan(bytes, from, PIECE_UNITS)
    const { units, controls, isFragment } = this.#scanner
    const idle = this.isClosing ? units : controls + Number(isFragment)
    if (idle > 0) this.account.charge('frame', idle)
    let piece = from === 0 && this.#at === bytes.length ? bytes : bytes.subarray(from, this.#at)
    // `ws` keeps a fragment in memory. Without a copy, it would keep all bytes that were read together with the fragment.
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
    // This call may pass the next bytes synchronously.
    done?.(failure)
    this.#updateReading()
  }

  #answerPing(data: Buffer): void {
    this.#unansweredPing = undefined
    if (this.#webSocket.readyState !== OPEN) return
    if (this.pongSender === undefined) this.#webSocket.pong(data)
    else this.pongSender.pong(data)
  }

  /** Reads the TCP socket only while there is no input to process. */
  #updateReading(): void {
    const isWaiting = this.isUnread || this.#bytes !== undefined
    const isReading = !this.isPaused && !isWaiting
    if (isReading !== this.#isReading) {
      this.#isReading = isReading
      if (isReading) this.#webSocket.resume()
      else this.#webSocket.pause()
    }
    // During a pause the stream reads one chunk ahead, so that it notices a closed connection.
    const isStopped = isWaiting && !this.isPaused
    if (isStopped === this.#isStopped) return
    this.#isStopped = isStopped
    if (isStopped) stopReading(this.#webSocket)
    else startReading(this.#webSocket)
  }
}
