import { endReason, InvalidOptionsError, parseAcceptOptions, parseCredit } from '@websocket-star/protocol'
import type { Carrier, Waiting } from './carrier.js'
import { Bytes, Messages, type Backlog } from './chunks.js'
import { encodeWith, type Codec } from './codec.js'
import {
  CodecError,
  ConnectionLostError,
  StreamAbortedError,
  StreamResetError,
  StreamStoppedError,
  textOf,
  WriteAfterEndError,
  type StreamError
} from './errors.js'

export interface SinkOptions {
  /**
   * What chunks mean. `'messages'` (default): each value arrives as it was written. `'bytes'`: the borders between
   * chunks mean nothing; small writes that wait are joined, large ones are cut, to chunks of up to 64 KiB.
   */
  framing?: 'messages' | 'bytes'
  /** Bytes that may wait here before `write` answers false, 1 or more. Default 256 KiB. */
  highWaterMark?: number
}

export const HIGH_WATER_MARK = 262_144
/** Largest chunk of a stream of bytes. */
const CHUNK = 65_536

/**
 * The sending side of a stream. Nothing leaves before the receiver has accepted; after that as much as the receiver
 * grants, or, if it grants nothing because it is an old one, as much as the socket takes.
 */
export class Sink<T = Uint8Array> implements Waiting {
  /** The name both sides know the stream by. */
  readonly id: string
  /** Called once, when the receiver says that it is ready. */
  onAccept: (() => void) | undefined
  /** Called when more may be written, after `write` has answered false. */
  onDrain: (() => void) | undefined
  /** Called once, for who writes: everything was sent and the end was told, or it failed. */
  onFinish: ((error?: StreamError) => void) | undefined
  /** Called once, last, for who owns the stream. */
  onClose: ((error?: StreamError) => void) | undefined
  readonly #carrier: Carrier
  readonly #codec: Codec<T>
  readonly #forget: () => void
  readonly #highWaterMark: number
  readonly #backlog: Backlog<unknown>
  readonly #isBytes: boolean
  /** What may still be sent: nothing before the receiver accepts, no end of it if that knows no windows. */
  #credit = 0
  #accepted = false
  #ending = false
  #needsDrain = false
  /** Something left in this turn of the event loop: what is small waits for its end, to leave together. */
  #isTurnUsed = false
  /** The carrier will call when the socket takes more. */
  #isWaitingForRoom = false
  #usedAt = performance.now()
  #error: StreamError | undefined
  #closed = false
  #settle: (error?: StreamError) => void = () => {}
  readonly #whenClosed = new Promise<StreamError | undefined>((resolve) => (this.#settle = resolve))

  /** Made by {@link SocketStreams.createSink}. */
  constructor(
    id: string,
    carrier: Carrier,
    codec: Codec<T>,
    forget: () => void,
    { framing = 'messages', highWaterMark = HIGH_WATER_MARK }: SinkOptions = {}
  ) {
    if (!(highWaterMark >= 1)) {
      throw new InvalidOptionsError(`highWaterMark: expected bytes from 1, got ${highWaterMark}`)
    }
    this.id = id
    this.#carrier = carrier
    this.#codec = codec
    this.#forget = forget
    this.#highWaterMark = highWaterMark
    this.#isBytes = framing === 'bytes'
    this.#backlog = this.#isBytes ? (new Bytes() as Backlog<unknown>) : new Messages()
  }

  /** The receiver has said that it is ready. */
  get accepted(): boolean {
    return this.#accepted
  }

  /** Bytes that wait here. */
  get writableLength(): number {
    return this.#backlog.size
  }

  /** When a chunk was last sent, or when the sink was made; milliseconds of `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt
  }

  /** Settles when nothing more happens on this stream: with nothing, or with why it failed. */
  get whenClosed(): Promise<StreamError | undefined> {
    return this.#whenClosed
  }

  /** Nothing more happens on this stream. */
  get closed(): boolean {
    return this.#closed
  }

  /** Why it failed, if it did. */
  get error(): StreamError | undefined {
    return this.#error
  }

  /**
   * Sends a value, now or when it may be.
   *
   * @returns false if enough waits already: it is kept all the same, `onDrain` tells when to go on
   * @throws {WriteAfterEndError}
   * @throws {StreamError} the error the stream has failed with
   * @throws {CodecError}
   */
  write(value: T): boolean {
    if (this.#error !== undefined) throw this.#error
    if (this.#ending || this.#closed) throw new WriteAfterEndError(this.id)
    const { wire, size } = encodeWith(this.#codec, this.id, value)
    if (this.#isBytes && !(wire instanceof Uint8Array)) {
      throw new CodecError(this.id, "a stream of bytes carries nothing else: use the codec 'buffer'")
    }
    this.#backlog.push(wire, size)
    if (this.#credit > 0 && !this.#isWaitingForRoom && (!this.#isTurnUsed || this.#backlog.size >= CHUNK))
      this.#send(this.#isTurnUsed)
    // What it failed with is told by onFinish.
    this.#needsDrain = this.#backlog.size >= this.#highWaterMark && !this.#closed
    return !this.#needsDrain
  }

  /** Tells the receiver that this was all, once everything has been sent. */
  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.flush()
  }

  /** Ends at once; what waits is lost, and the receiver is told why. */
  abort(reason?: unknown): void {
    if (this.#closed) return
    this.#carrier.send('error', this.id, textOf(reason))
    this.#close(new StreamAbortedError(this.id, reason))
  }

  /** Ends without a word to the receiver, which does not know of the stream. */
  discard(reason?: unknown): void {
    this.#close(new StreamAbortedError(this.id, reason))
  }

  /** Sends what may be sent. Called by the carrier. */
  flush(): void {
    this.#isTurnUsed = false
    this.#send(false)
  }

  /** @param wholeOnly - keeps what is no whole chunk for the end of the turn: more may come */
  #send(wholeOnly: boolean): void {
    if (!this.#accepted || this.#closed) return
    const limit = this.#isBytes ? CHUNK : Number.POSITIVE_INFINITY
    this.#isWaitingForRoom = false
    while (this.#credit > 0 && !this.#backlog.isEmpty) {
      if (wholeOnly && this.#backlog.size < CHUNK) break
      if (!this.#carrier.hasRoomFor(this, this.#credit !== Number.POSITIVE_INFINITY)) {
        this.#isWaitingForRoom = true
        break
      }
      const chunk = this.#backlog.take(Math.min(limit, this.#credit))
      if (chunk === undefined) break
      this.#credit -= chunk.size
      this.#carrier.sendChunk(this.id, chunk.wire, chunk.size)
      this.#usedAt = performance.now()
      this.#useTurn()
    }
    if (this.#ending && this.#backlog.isEmpty) {
      this.#carrier.send('error', this.id, true)
      return this.#close()
    }
    if (!this.#needsDrain || this.#backlog.size > this.#highWaterMark / 2) return
    this.#needsDrain = false
    this.onDrain?.()
  }

  /** The receiver is ready. */
  receiveAccept(argument: unknown): void {
    if (this.#accepted || this.#closed) return
    this.#accepted = true
    this.#credit = parseAcceptOptions(argument).window ?? Number.POSITIVE_INFINITY
    this.onAccept?.()
    this.flush()
  }

  /** The receiver takes more. */
  receiveCredit(argument: unknown): void {
    if (!this.#accepted || this.#credit === Number.POSITIVE_INFINITY) return
    this.#credit += parseCredit(argument) ?? 0
    this.flush()
  }

  /** The receiver, or a server between, ended it. */
  receiveError(argument: unknown): void {
    const reason = endReason(argument)
    this.#close(reason === true ? new StreamStoppedError(this.id) : new StreamResetError(this.id, reason))
  }

  /** The connection is gone. */
  receiveDisconnect(reason: string): void {
    this.#close(new ConnectionLostError(this.id, reason))
  }

  #useTurn(): void {
    if (!this.#isBytes || this.#isTurnUsed) return
    this.#isTurnUsed = true
    this.#carrier.flushNextTurn(this)
  }

  #close(error?: StreamError): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    this.#backlog.clear()
    this.#carrier.forget(this)
    this.#forget()
    this.#settle(error)
    this.onFinish?.(error)
    this.onClose?.(error)
  }
}
