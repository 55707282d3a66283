import { endReason } from '@websocket-star/protocol'
import { ChunkBuffer } from './chunk-buffer.js'
import { sizeOf, type Codec } from './codec.js'
import {
  CodecError,
  ConnectionLostError,
  StreamAbortedError,
  StreamProtocolError,
  StreamResetError,
  reasonText,
  type StreamError
} from './errors.js'
import { Queue } from './queue.js'
import type { SocketWriter } from './socket-writer.js'
import { ReceiveWindow, type WindowOptions } from './window.js'

export interface SourceOptions {
  /** Bytes that the sender may have in flight. The window grows with demand, by default from 256 KiB to 4 MiB. */
  window?: WindowOptions
  /** Bytes beyond the window at which the stream fails. Default: no limit, since legacy senders ignore windows. */
  tolerance?: number
  /** Must equal the `framing` of the sink. `'bytes'` may join small unread chunks and drops empty ones. Default `'messages'`. */
  framing?: 'messages' | 'bytes'
  /** Lets the sender begin only when {@link Source.accept} is called. Default false. */
  deferred?: boolean
}

const OVERRUN_REASON = 'More was sent than the window allows'
const UNREADABLE_REASON = 'Unreadable chunk'

/** Unread chunks below this size, in bytes, are joined: a separate chunk costs more memory than its bytes. */
const SMALL = 4_096
/** Maximum number of unread values, or the size of the window if that is larger. Empty values take memory, but no window. */
const QUEUE_MAX = 65_536

/**
 * The receiving side of a stream. It starts paused: a window of data is received and queued, then the sender waits until
 * `resume` is called. Legacy senders do not wait.
 */
export class Source<T = Uint8Array> {
  readonly id: string
  /** Called with each value while not paused; `size` is its share of the window, in bytes. */
  onData: ((value: T, size: number) => void) | undefined
  /** Called once, for the reader, after the last value; with the error if the stream ended early. */
  onEnd: ((error?: StreamError) => void) | undefined
  /** Called once, for the owner of the stream, when nothing more can arrive. Unread values may remain. */
  onClose: ((error?: StreamError) => void) | undefined
  readonly #writer: SocketWriter
  readonly #codec: Codec<T>
  readonly #unregister: (error?: StreamError) => void
  readonly #window: ReceiveWindow
  readonly #tolerance: number
  readonly #unread = new Queue<{ value: T; size: number }>()
  readonly #isBytes: boolean
  /** Last unread entry, while it can take more small chunks. */
  #tail: ChunkBuffer | undefined
  #accepted = false
  #paused = true
  #isDelivering = false
  #closed = false
  #settle: (error?: StreamError) => void = () => {}
  readonly #whenClosed = new Promise<StreamError | undefined>((resolve) => (this.#settle = resolve))
  #ended = false
  #usedAt = performance.now()
  #error: StreamError | undefined

  constructor(
    id: string,
    writer: SocketWriter,
    codec: Codec<T>,
    unregister: (error?: StreamError) => void,
    { window, tolerance = Number.POSITIVE_INFINITY, framing = 'messages', deferred = false }: SourceOptions = {}
  ) {
    this.id = id
    this.#writer = writer
    this.#codec = codec
    this.#unregister = unregister
    this.#window = new ReceiveWindow(window)
    this.#tolerance = tolerance
    this.#isBytes = framing === 'bytes'
    if (!deferred) this.accept()
  }

  /** Lets the sender begin, if `deferred` was set. */
  accept(): void {
    if (this.#accepted || this.#closed) return
    this.#accepted = true
    this.#window.open()
    this.#writer.send('accept', this.id, { window: this.#window.size })
  }

  /** Unread bytes. */
  get readableLength(): number {
    return this.#ended ? 0 : this.#window.unread
  }

  /** Current window, in bytes. */
  get window(): number {
    return this.#window.size
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Time of the last chunk received, or of creation, in milliseconds of `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt
  }

  /** Resolves when nothing more can arrive, with the error if the stream ended early. */
  get whenClosed(): Promise<StreamError | undefined> {
    return this.#whenClosed
  }

  /** Whether nothing more can arrive. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether nothing more can arrive and everything was read. */
  get ended(): boolean {
    return this.#ended
  }

  get error(): StreamError | undefined {
    return this.#error
  }

  pause(): void {
    this.#paused = true
  }

  /** Delivers unread values, then new ones as they arrive. */
  resume(): void {
    this.#paused = false
    // Called from onData: the loop below is running already, and goes on.
    if (this.#isDelivering) return
    this.#isDelivering = true
    try {
      while (!this.#paused) {
        const item = this.#unread.shift()
        if (item === undefined) break
        if (this.#unread.isEmpty) this.#tail = undefined
        this.#deliver(item.value, item.size)
      }
    } finally {
      this.#isDelivering = false
    }
    this.#endIfDrained()
  }

  /** Ends the stream with an error: discards unread values and sends the reason to the sender. */
  abort(reason?: unknown): void {
    if (!this.#closed) this.#writer.send('error', this.id, reasonText(reason))
    this.discard(reason)
  }

  /** Ends the stream deliberately: discards unread values and lets the sender stop without an error. */
  stop(): void {
    if (this.#ended) return
    if (!this.#closed) this.#writer.send('error', this.id, true)
    this.discard('the reader has stopped')
  }

  /** Ends the stream without notifying the sender, for a stream that the sender does not know. */
  discard(reason?: unknown): void {
    if (this.#ended) return
    this.#unread.clear()
    this.#error ??= new StreamAbortedError(this.id, reason)
    this.#close(this.#error)
  }

  receiveChunk(argument: unknown): void {
    if (this.#closed) return
    this.#usedAt = performance.now()
    let size: number
    let value: T
    try {
      size = sizeOf(argument)
      value = this.#codec.decode(argument)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      const error = new CodecError(this.id, `the codec could not decode a chunk: ${reason}`, { cause })
      return this.#fail(error, UNREADABLE_REASON)
    }
    if (this.#window.received(size) > this.#tolerance) {
      return this.#fail(
        new StreamProtocolError(this.id, `${OVERRUN_REASON}, by more than ${this.#tolerance} bytes`),
        OVERRUN_REASON
      )
    }
    if (this.#isBytes && size === 0) return
    if (!this.#paused && this.#unread.isEmpty && !this.#isDelivering) return this.#deliver(value, size)
    if (!this.#isBytes || !this.#join(value, size)) this.#unread.push({ value, size })
    const { size: count } = this.#unread
    // Within its window, a sender may send as many values as the window has bytes.
    if (count > QUEUE_MAX && count > this.#window.size) {
      this.#fail(
        new StreamProtocolError(this.id, `${count} unread values are queued, more than the window allows`),
        OVERRUN_REASON
      )
    }
  }

  /** @returns whether the chunk was small, and was queued in a shared buffer */
  #join(value: T, size: number): boolean {
    // A ChunkBuffer takes as much window as it has bytes. A `hex` chunk takes twice its bytes, so it cannot be joined.
    if (size >= SMALL || !(value instanceof Uint8Array) || value.length !== size) {
      this.#tail = undefined
      return false
    }
    if (this.#tail?.add(value) === true) return true
    this.#tail = new ChunkBuffer(value)
    // T is Uint8Array: `value` is one.
    this.#unread.push(this.#tail as unknown as { value: T; size: number })
    return true
  }

  /** Handles the end of the stream by the sender or a server in between; unread values can still be read. */
  receiveError(argument: unknown): void {
    const reason = endReason(argument)
    this.#close(reason === true ? undefined : new StreamResetError(this.id, reason))
  }

  receiveDisconnect(reason: string): void {
    this.#close(new ConnectionLostError(this.id, reason))
  }

  #deliver(value: T, size: number): void {
    this.onData?.(value, size)
    for (let credit = this.#window.consumed(size); credit > 0 && !this.#closed; credit = this.#window.consumed(0)) {
      this.#writer.send('credit', this.id, credit)
    }
  }

  #fail(error: StreamError, reason: string): void {
    this.#writer.send('error', this.id, reason)
    this.#close(error)
  }

  #close(error?: StreamError): void {
    if (!this.#closed) {
      this.#closed = true
      this.#error = error
      this.#unregister(error)
      this.#settle(error)
      this.onClose?.(error)
    }
    this.#endIfDrained()
  }

  #endIfDrained(): void {
    if (!this.#closed || this.#ended || !this.#unread.isEmpty) return
    // A paused reader gets an error at once, but a regular end only after resuming.
    if (this.#paused && this.#error === undefined) return
    this.#ended = true
    this.onEnd?.(this.#error)
  }
}
