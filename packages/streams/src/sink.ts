import { endReason, InvalidOptionsError, parseAcceptOptions, parseCredit } from '@websocket-star/protocol'
import { encodeValue, type Codec } from './codec.js'
import {
  CodecError,
  ConnectionLostError,
  StreamAbortedError,
  StreamNotAcceptedError,
  StreamResetError,
  StreamStoppedError,
  reasonText,
  WriteAfterEndError,
  type StreamError
} from './errors.js'
import { ByteQueue, MessageQueue, type SendQueue } from './send-queue.js'
import type { Flushable, SocketWriter } from './socket-writer.js'

export interface SinkOptions {
  /**
   * `'messages'` (default) keeps each value whole. `'bytes'` joins queued small writes and cuts large ones, into chunks of
   * up to 64 KiB. The source needs the same setting.
   */
  framing?: 'messages' | 'bytes'
  /** Queued bytes from which `write` returns false, 1 or more. Default 256 KiB. */
  highWaterMark?: number
  /** Milliseconds that the receiver has to accept the stream, 1 or more; Infinity for no limit. Default 60 s. */
  acceptTimeout?: number
}

export const HIGH_WATER_MARK = 262_144
export const ACCEPT_TIMEOUT = 60_000
/** Maximum of `setTimeout`, 24 days; a longer timer would fire at once. */
const DELAY_MAX = 2 ** 31 - 1
/** Largest chunk of a stream of bytes. */
const CHUNK_MAX = 65_536

/**
 * The sending side of a stream. It sends nothing until the receiver has accepted, then as much as the receiver grants. To a
 * legacy receiver, which grants no credit, it sends as much as the socket takes.
 */
export class Sink<T = Uint8Array> implements Flushable {
  readonly id: string
  /** Called once, when the receiver accepts. */
  onAccept: (() => void) | undefined
  /** Called when writing may continue, after `write` returned false. */
  onDrain: (() => void) | undefined
  /** Called once, for the writer: when everything including the end has been sent and confirmed, or with the error. */
  onFinish: ((error?: StreamError) => void) | undefined
  /** Called once, after `onFinish`, for the owner of the stream. */
  onClose: ((error?: StreamError) => void) | undefined
  readonly #writer: SocketWriter
  readonly #codec: Codec<T>
  readonly #unregister: (error?: StreamError) => void
  readonly #highWaterMark: number
  readonly #queue: SendQueue<unknown>
  readonly #isBytes: boolean
  /** Bytes that may still be sent: 0 until the receiver accepts, infinite for a legacy receiver. */
  #credit = 0
  #accepted = false
  #ending = false
  /** The end was sent; it counts once its delivery is confirmed. */
  #hasSentEnd = false
  #needsDrain = false
  /** Something was sent in this task: further small writes are joined until its end. */
  #hasSentInTask = false
  #isWaitingForRoom = false
  #usedAt = performance.now()
  #acceptTimer: ReturnType<typeof setTimeout> | undefined
  #error: StreamError | undefined
  #closed = false
  #settle: (error?: StreamError) => void = () => {}
  readonly #whenClosed = new Promise<StreamError | undefined>((resolve) => (this.#settle = resolve))

  constructor(
    id: string,
    writer: SocketWriter,
    codec: Codec<T>,
    unregister: (error?: StreamError) => void,
    { framing = 'messages', highWaterMark = HIGH_WATER_MARK, acceptTimeout = ACCEPT_TIMEOUT }: SinkOptions = {}
  ) {
    if (!(highWaterMark >= 1)) {
      throw new InvalidOptionsError(`highWaterMark: expected bytes from 1, got ${highWaterMark}`)
    }
    if (!(acceptTimeout >= 1)) {
      throw new InvalidOptionsError(`acceptTimeout: expected milliseconds from 1, or Infinity, got ${acceptTimeout}`)
    }
    this.id = id
    this.#writer = writer
    this.#codec = codec
    this.#unregister = unregister
    this.#highWaterMark = highWaterMark
    this.#isBytes = framing === 'bytes'
    this.#queue = this.#isBytes ? (new ByteQueue() as SendQueue<unknown>) : new MessageQueue() // write() checks the type
    if (acceptTimeout <= DELAY_MAX) {
      const expire = (): void => this.#fail(new StreamNotAcceptedError(id, acceptTimeout))
      this.#acceptTimer = setTimeout(expire, acceptTimeout)
    }
  }

  get accepted(): boolean {
    return this.#accepted
  }

  /** Bytes queued here. */
  get writableLength(): number {
    return this.#queue.size
  }

  /** Time of the last chunk sent, or of creation, in milliseconds of `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt
  }

  /** Resolves when the stream is over, with the error if it failed. */
  get whenClosed(): Promise<StreamError | undefined> {
    return this.#whenClosed
  }

  get closed(): boolean {
    return this.#closed
  }

  get error(): StreamError | undefined {
    return this.#error
  }

  /**
   * Sends a value, or queues it.
   *
   * @returns false if the queue is full: the value is queued all the same; wait for `onDrain`
   * @throws {WriteAfterEndError}
   * @throws {StreamError} the error with which the stream failed earlier
   * @throws {CodecError}
   */
  write(value: T): boolean {
    if (this.#error !== undefined) throw this.#error
    if (this.#ending || this.#closed) throw new WriteAfterEndError(this.id)
    const { wire, size } = encodeValue(this.#codec, this.id, value, this.#writer.attachments)
    if (this.#isBytes && !(wire instanceof Uint8Array)) {
      throw new CodecError(this.id, "framing 'bytes' carries bytes only: use the codec 'buffer'")
    }
    this.#queue.push(wire, size)
    if (this.#credit > 0 && !this.#isWaitingForRoom && (!this.#hasSentInTask || this.#queue.size >= CHUNK_MAX)) {
      this.#send(this.#hasSentInTask)
    }
    this.#needsDrain = this.#queue.size >= this.#highWaterMark && !this.#closed
    return !this.#needsDrain
  }

  /** Ends the stream once all queued values have been sent. */
  end(): void {
    if (this.#ending || this.#closed) return
    this.#ending = true
    this.flush()
  }

  /** Ends the stream at once: discards queued values and sends the reason to the receiver. */
  abort(reason?: unknown): void {
    if (!this.#closed) this.#fail(new StreamAbortedError(this.id, reason))
  }

  /** Ends the stream without notifying the receiver, for a stream that was never announced to it. */
  discard(reason?: unknown): void {
    this.#close(new StreamAbortedError(this.id, reason))
  }

  /** Sends as much as credit and socket allow. Called by the socket writer too. */
  flush(): void {
    this.#hasSentInTask = false
    this.#send(false)
  }

  /** @param fullChunksOnly - keep a partial chunk until the end of the task, since more may be written */
  #send(fullChunksOnly: boolean): void {
    if (!this.#accepted || this.#closed || this.#hasSentEnd) return
    const limit = this.#isBytes ? CHUNK_MAX : Number.POSITIVE_INFINITY
    this.#isWaitingForRoom = false
    while (this.#credit > 0 && !this.#queue.isEmpty) {
      if (fullChunksOnly && this.#queue.size < CHUNK_MAX) break
      if (!this.#writer.hasRoomFor(this, this.#credit !== Number.POSITIVE_INFINITY)) {
        this.#isWaitingForRoom = true
        break
      }
      const chunk = this.#queue.take(Math.min(limit, this.#credit))
      if (chunk === undefined) break
      this.#credit -= chunk.size
      if (!this.#sendChunk(chunk.wire, chunk.size)) return
      this.#usedAt = performance.now()
      this.#joinLaterWrites()
    }
    if (this.#ending && this.#queue.isEmpty) {
      this.#hasSentEnd = true
      this.#writer.send('error', this.id, true)
      return this.#writer.confirmDelivery(() => this.#close())
    }
    if (!this.#needsDrain || this.#queue.size > this.#highWaterMark / 2) return
    this.#needsDrain = false
    this.onDrain?.()
  }

  /** @returns false if socket.io cannot encode the chunk: a value was modified after it was written */
  #sendChunk(wire: unknown, size: number): boolean {
    try {
      this.#writer.sendChunk(this.id, wire, size)
      return true
    } catch (cause) {
      this.#fail(new CodecError(this.id, 'a value was modified after it was written', { cause }))
      return false
    }
  }

  receiveAccept(argument: unknown): void {
    if (this.#accepted || this.#closed) return
    this.#accepted = true
    clearTimeout(this.#acceptTimer)
    this.#credit = parseAcceptOptions(argument).window ?? Number.POSITIVE_INFINITY
    this.onAccept?.()
    this.flush()
  }

  receiveCredit(argument: unknown): void {
    if (!this.#accepted || this.#credit === Number.POSITIVE_INFINITY) return
    this.#credit += parseCredit(argument) ?? 0
    this.flush()
  }

  receiveError(argument: unknown): void {
    const reason = endReason(argument)
    this.#close(reason === true ? new StreamStoppedError(this.id) : new StreamResetError(this.id, reason))
  }

  receiveDisconnect(reason: string): void {
    this.#close(new ConnectionLostError(this.id, reason))
  }

  #joinLaterWrites(): void {
    if (!this.#isBytes || this.#hasSentInTask) return
    this.#hasSentInTask = true
    this.#writer.flushNextTask(this)
  }

  #fail(error: StreamError): void {
    if (!this.#hasSentEnd) this.#writer.send('error', this.id, reasonText(error))
    this.#close(error)
  }

  #close(error?: StreamError): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#acceptTimer)
    this.#error = error
    this.#queue.clear()
    this.#writer.forget(this)
    this.#unregister(error)
    this.#settle(error)
    this.onFinish?.(error)
    this.onClose?.(error)
  }
}
