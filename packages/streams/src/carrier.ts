import { streamEventName, type StreamEventKind } from '@websocket-star/protocol'
import { nextTurn } from './next-turn.js'
import { unsentBytes, type SocketLike } from './socket.js'

/** Something that has more to send. */
export interface Waiting {
  flush(): void
}

/** Bytes unsent on a socket above which streams wait before they give it more. */
const FULL = 1_048_576
/** The same in a page that is hidden, whose timers run once a second, later once a minute. */
const FULL_WHILE_HIDDEN = 4_194_304
/** Milliseconds after which a full socket is looked at again: neither browsers nor socket.io tell when it has room. */
const LOOK_AGAIN = 2

/** Node's, where there is one. */
const { Buffer: BufferClass } = globalThis as {
  Buffer?: {
    isBuffer(value: unknown): boolean
    from(buffer: ArrayBufferLike, offset: number, length: number): Uint8Array
  }
}

/** Carries what all streams of one socket send, and makes them wait while the socket has enough. */
export class Carrier {
  readonly #socket: SocketLike
  /** Given to the socket since it was last asked what it has. */
  #given = 0
  #unsent = 0
  readonly #forRoom = new Set<Waiting>()
  readonly #forTurn = new Set<Waiting>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(socket: SocketLike) {
    this.#socket = socket
  }

  /** Whether anything can be sent. */
  get connected(): boolean {
    return !this.#closed && this.#socket.connected
  }

  /** Sends nothing any more. */
  close(): void {
    this.#closed = true
  }

  /** Sends at once; while there is no connection nothing is sent, for what socket.io keeps would come too late. */
  send(kind: StreamEventKind, stream: string, ...args: unknown[]): void {
    if (this.connected) this.#socket.emit(streamEventName(kind, stream), ...args)
  }

  /** Sends a chunk. */
  sendChunk(stream: string, wire: unknown, size: number): void {
    this.#given += size
    this.send('queue', stream, wire instanceof Uint8Array ? this.#attachable(wire) : wire)
  }

  /**
   * Whether the socket takes more; if not, `waiting` is flushed once it does.
   *
   * @param isGranted - the receiver has a window for it: in a page that is hidden that is bound enough, and no timer is
   * waited for
   */
  hasRoomFor(waiting: Waiting, isGranted = false): boolean {
    // What the socket has only grows by what it is given until this turn is over.
    if (this.#unsent + this.#given < FULL) return true
    this.#look()
    if (this.#unsent < full() || (isGranted && isHidden())) return true
    this.#forRoom.add(waiting)
    this.#timer ??= setTimeout(this.#lookAgain, LOOK_AGAIN)
    return false
  }

  /** Flushes `waiting` in the next turn of the event loop. */
  flushNextTurn(waiting: Waiting): void {
    this.#forTurn.add(waiting)
    if (this.#forTurn.size === 1) nextTurn(this.#endTurn)
  }

  /** A stream that has ended waits for nothing. */
  forget(waiting: Waiting): void {
    this.#forRoom.delete(waiting)
    this.#forTurn.delete(waiting)
    if (this.#forRoom.size === 0) this.#stopLooking()
  }

  /** Version 2 takes only Buffers and whole ArrayBuffers for binary; later ones take these too. */
  #attachable(bytes: Uint8Array): unknown {
    if (BufferClass !== undefined) {
      return BufferClass.isBuffer(bytes) ? bytes : BufferClass.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    }
    return 'onAny' in this.#socket ? bytes : bytes.slice().buffer
  }

  #look(): void {
    this.#unsent = unsentBytes(this.#socket)
    this.#given = 0
  }

  readonly #lookAgain = (): void => {
    this.#timer = undefined
    this.#look()
    if (this.#unsent > full() / 2) this.#timer = setTimeout(this.#lookAgain, LOOK_AGAIN)
    else this.#shareRoom()
  }

  #shareRoom(): void {
    const [first] = this.#forRoom
    this.#flush(this.#forRoom)
    // Who goes first may take all there is: next time it is another one.
    if (first !== undefined && this.#forRoom.delete(first)) this.#forRoom.add(first)
  }

  readonly #endTurn = (): void => {
    this.#flush(this.#forTurn)
  }

  #flush(waiting: Set<Waiting>): void {
    const streams = [...waiting]
    waiting.clear()
    for (const stream of streams) {
      try {
        stream.flush()
      } catch (error) {
        // An exception of whoever listens to one stream is no reason for the others to wait for ever.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  #stopLooking(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

function full(): number {
  return isHidden() ? FULL_WHILE_HIDDEN : FULL
}

function isHidden(): boolean {
  const { document } = globalThis as { document?: Document } // workers and Node have none
  return document?.visibilityState === 'hidden'
}
