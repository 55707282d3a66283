import { endReason } from '@websocket-star/protocol'
import type { Carrier } from './carrier.js'
import { Fifo, JoinedChunks } from './chunks.js'
import { sizeOf, type Codec } from './codec.js'
import {
  CodecError,
  ConnectionLostError,
  StreamAbortedError,
  StreamProtocolError,
  StreamResetError,
  textOf,
  type StreamError
} from './errors.js'
import { ReceiveWindow, type WindowOptions } from './window.js'

export interface SourceOptions {
  /** How much the sender may have under way; it tunes itself. Default 256 KiB to 4 MiB. */
  window?: WindowOptions
  /**
   * Bytes beyond the window that may come, for a sender that does not know windows. Default: no limit, since an old
   * sender knows none. What comes beyond ends the stream.
   */
  tolerance?: number
  /**
   * What chunks mean; the sender's must be the same. `'messages'` (default): each is a value. `'bytes'`: borders mean nothing,
   * so that small chunks that wait to be read are joined, and empty ones are nothing.
   */
  framing?: 'messages' | 'bytes'
  /** Listen at once, but let the sender begin only when {@link Source.accept} is called. Default false. */
  deferred?: boolean
}

/** Told to a sender that sent more than it may. */
const OVERRUN = 'More was sent than the window allows'
/** Told to a sender whose chunk is none. */
const UNREADABLE = 'Unreadable chunk'

/** Chunks of a stream of bytes below this size are joined while they wait: each by itself takes more than its bytes. */
const SMALL = 4_096
/** Values that may wait whatever the window is; each takes memory beside what it counts as, or though it counts as nothing. */
const WAITING_MAX = 65_536

/**
 * The receiving side of a stream. It is paused to begin with, and takes a window from its sender until it is resumed; a
 * sender that knows windows then waits.
 */
export class Source<T = Uint8Array> {
  /** The name both sides know the stream by. */
  readonly id: string
  /** Called with each value while not paused; `size` is what it counts as in the window, in bytes. */
  onData: ((value: T, size: number) => void) | undefined
  /** Called once, for who reads, after the last value: with nothing if the sender has sent everything, else with why it ended. */
  onEnd: ((error?: StreamError) => void) | undefined
  /** Called once, for who owns the stream, as soon as nothing more comes, though values may still wait to be read. */
  onClose: ((error?: StreamError) => void) | undefined
  readonly #carrier: Carrier
  readonly #codec: Codec<T>
  readonly #forget: () => void
  readonly #window: ReceiveWindow
  readonly #tolerance: number
  readonly #waiting = new Fifo<{ value: T; size: number }>()
  readonly #isBytes: boolean
  /** Where small chunks that wait are joined, as long as there is room. */
  #joined: JoinedChunks | undefined
  #accepted = false
  #paused = true
  #isGivingOut = false
  #closed = false
  #settle: (error?: StreamError) => void = () => {}
  readonly #whenClosed = new Promise<StreamError | undefined>((resolve) => (this.#settle = resolve))
  #ended = false
  #usedAt = performance.now()
  #error: StreamError | undefined

  /** Made by {@link SocketStreams.createSource}: tells the sender that it may begin. */
  constructor(
    id: string,
    carrier: Carrier,
    codec: Codec<T>,
    forget: () => void,
    { window, tolerance = Number.POSITIVE_INFINITY, framing = 'messages', deferred = false }: SourceOptions = {}
  ) {
    this.id = id
    this.#carrier = carrier
    this.#codec = codec
    this.#forget = forget
    this.#window = new ReceiveWindow(window)
    this.#tolerance = tolerance
    this.#isBytes = framing === 'bytes'
    if (!deferred) this.accept()
  }

  /** Lets the sender begin, where that was deferred. */
  accept(): void {
    if (this.#accepted || this.#closed) return
    this.#accepted = true
    this.#window.open()
    this.#carrier.send('accept', this.id, { window: this.#window.size })
  }

  /** Bytes that came and have not been read. */
  get readableLength(): number {
    return this.#ended ? 0 : this.#window.unread
  }

  /** Bytes the sender may have under way now. */
  get window(): number {
    return this.#window.size
  }

  get paused(): boolean {
    return this.#paused
  }

  /** When a chunk last came, or when the source was made; milliseconds of `performance.now()`. */
  get usedAt(): number {
    return this.#usedAt
  }

  /** Settles when nothing more comes: with nothing, or with why it ended early. */
  get whenClosed(): Promise<StreamError | undefined> {
    return this.#whenClosed
  }

  /** Nothing more comes. */
  get closed(): boolean {
    return this.#closed
  }

  /** Nothing more comes, and everything that came was read. */
  get ended(): boolean {
    return this.#ended
  }

  /** Why it ended before its sender had sent everything, if it did. */
  get error(): StreamError | undefined {
    return this.#error
  }

  /** No more values until it is resumed. */
  pause(): void {
    this.#paused = true
  }

  /** Gives out what waits, and what comes. */
  resume(): void {
    this.#paused = false
    // A reader that resumes while it is given something gets the next after it.
    if (this.#isGivingOut) return
    this.#isGivingOut = true
    try {
      while (!this.#paused) {
        const item = this.#waiting.shift()
        if (item === undefined) break
        if (this.#waiting.isEmpty) this.#joined = undefined
        this.#deliver(item.value, item.size)
      }
    } finally {
      this.#isGivingOut = false
    }
    this.#endIfRead()
  }

  /** Wants no more: the sender is told why, and what waits is lost. */
  abort(reason?: unknown): void {
    if (!this.#closed) this.#carrier.send('error', this.id, textOf(reason))
    this.discard(reason)
  }

  /** Wants no more, and calls that no error: the sender stops, and what waits is lost. */
  stop(): void {
    if (this.#ended) return
    if (!this.#closed) this.#carrier.send('error', this.id, true)
    this.discard('the reader has stopped')
  }

  /** Ends without a word to the sender, which does not know of the stream. */
  discard(reason?: unknown): void {
    if (this.#ended) return
    this.#waiting.clear()
    this.#error ??= new StreamAbortedError(this.id, reason)
    this.#close(this.#error)
  }

  /** A chunk has come. */
  receiveChunk(argument: unknown): void {
    if (this.#closed) return
    this.#usedAt = performance.now()
    let size: number
    let value: T
    try {
      size = sizeOf(argument)
      value = this.#codec.decode(argument)
    } catch (cause) {
      return this.#fail(new CodecError(this.id, 'the codec could not decode a chunk', { cause }), UNREADABLE)
    }
    if (this.#window.received(size) > this.#tolerance) {
      return this.#fail(new StreamProtocolError(this.id, `${OVERRUN}, by ${this.#tolerance} bytes or more`), OVERRUN)
    }
    if (this.#isBytes && size === 0) return
    if (!this.#paused && this.#waiting.isEmpty && !this.#isGivingOut) return this.#deliver(value, size)
    if (!this.#isBytes || !this.#join(value, size)) this.#waiting.push({ value, size })
    const { size: count } = this.#waiting
    // As many as the window has bytes may come from a sender that keeps to it.
    if (count > WAITING_MAX && count > this.#window.size) {
      this.#fail(new StreamProtocolError(this.id, `${count} values wait to be read`), OVERRUN)
    }
  }

  /** @returns whether a small chunk was added to one that waits */
  #join(value: T, size: number): boolean {
    // What counts as something else than it is, as in hex, would not be granted for.
    if (size >= SMALL || !(value instanceof Uint8Array) || value.length !== size) {
      this.#joined = undefined
      return false
    }
    if (this.#joined?.add(value) === true) return true
    const joined = new JoinedChunks(value)
    this.#joined = joined
    // Bytes are what a stream of bytes carries.
    this.#waiting.push(joined as unknown as { value: T; size: number })
    return true
  }

  /** The sender, or a server between, ended it: what came before is read first. */
  receiveError(argument: unknown): void {
    const reason = endReason(argument)
    this.#close(reason === true ? undefined : new StreamResetError(this.id, reason))
  }

  /** The connection is gone. */
  receiveDisconnect(reason: string): void {
    this.#close(new ConnectionLostError(this.id, reason))
  }

  #deliver(value: T, size: number): void {
    this.onData?.(value, size)
    for (let credit = this.#window.consumed(size); credit > 0 && !this.#closed; credit = this.#window.consumed(0)) {
      this.#carrier.send('credit', this.id, credit)
    }
  }

  /** The sender broke the rules. */
  #fail(error: StreamError, told: string): void {
    this.#carrier.send('error', this.id, told)
    this.#close(error)
  }

  #close(error?: StreamError): void {
    if (!this.#closed) {
      this.#closed = true
      this.#error = error
      this.#forget()
      this.#settle(error)
      this.onClose?.(error)
    }
    this.#endIfRead()
  }

  #endIfRead(): void {
    if (!this.#closed || this.#ended || !this.#waiting.isEmpty) return
    // A reader that has stopped learns of an error at once, of the end when it reads on.
    if (this.#paused && this.#error === undefined) return
    this.#ended = true
    this.onEnd?.(this.#error)
  }
}
