import { streamEventName, type StreamEventKind } from '@websocket-star/protocol'
import { Attachments } from './attachments.js'
import { queueMacrotask } from './macrotask.js'
import { transientFlags, unsentBytes, type SocketLike } from './socket.js'

export interface Flushable {
  flush(): void
}

/** Bytes unsent on a socket above which sinks wait. */
const FULL = 1_048_576
/** The same in a hidden page, where timers run once a second or once a minute. */
const FULL_WHILE_HIDDEN = 4_194_304
/** Milliseconds between polls of a full socket: neither browsers nor socket.io report when it drains. */
const POLL_INTERVAL = 2

/** Sends the events of all streams of one socket, and makes sinks wait while the socket is full. */
export class SocketWriter {
  /** Calls back once the other end of the socket has received all that was sent before. By default it calls back at once. */
  confirmDelivery: (delivered: () => void) => void = (delivered) => delivered()
  readonly attachments: Attachments
  readonly #socket: SocketLike
  readonly #flags: object | undefined
  /** Bytes written since `#unsent` was measured. */
  #written = 0
  #unsent = 0
  readonly #waitingForRoom = new Set<Flushable>()
  readonly #waitingForTask = new Set<Flushable>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(socket: SocketLike) {
    this.#socket = socket
    this.#flags = transientFlags(socket)
    this.attachments = new Attachments(socket)
  }

  get connected(): boolean {
    return !this.#closed && this.#socket.connected
  }

  close(): void {
    this.#closed = true
  }

  /** Sends at once. Drops the event while disconnected: socket.io would deliver it after a reconnection, too late. */
  send(kind: StreamEventKind, stream: string, ...args: unknown[]): void {
    if (!this.connected) return
    if (this.#flags !== undefined) {
      // The socket resets its flags after each event.
      ;(this.#socket as { flags?: object }).flags = { ...this.#flags }
      // A client that can be recovered takes a text at the end for the place to which it has received.
      if (typeof args.at(-1) === 'string') args.push(0)
    }
    this.#socket.emit(streamEventName(kind, stream), ...args)
  }

  sendChunk(stream: string, wire: unknown, size: number): void {
    this.#written += size
    this.send('queue', stream, wire instanceof Uint8Array ? this.attachments.attach(wire) : wire)
  }

  /**
   * Returns whether the socket has room; if not, flushes the sink later. A hidden page, whose timers are slow, always has room for
   * a sink that is bounded by the receiver's window.
   */
  hasRoomFor(sink: Flushable, isBounded = false): boolean {
    // Within one task, what is unsent grows only by what is written here.
    if (this.#unsent + this.#written < FULL) return true
    this.#measure()
    if (this.#unsent < fullMark() || (isBounded && isHidden())) return true
    this.#waitingForRoom.add(sink)
    this.#timer ??= setTimeout(this.#poll, POLL_INTERVAL)
    return false
  }

  flushNextTask(sink: Flushable): void {
    this.#waitingForTask.add(sink)
    if (this.#waitingForTask.size === 1) queueMacrotask(this.#flushTask)
  }

  forget(sink: Flushable): void {
    this.#waitingForRoom.delete(sink)
    this.#waitingForTask.delete(sink)
    if (this.#waitingForRoom.size === 0) this.#stopPolling()
  }

  #measure(): void {
    this.#unsent = unsentBytes(this.#socket)
    this.#written = 0
  }

  readonly #poll = (): void => {
    this.#timer = undefined
    this.#measure()
    if (this.#unsent > fullMark() / 2) this.#timer = setTimeout(this.#poll, POLL_INTERVAL)
    else this.#shareRoom()
  }

  #shareRoom(): void {
    const [first] = this.#waitingForRoom
    this.#flush(this.#waitingForRoom)
    // The first sink may use up all the room, so it goes to the end of the line.
    if (first !== undefined && this.#waitingForRoom.delete(first)) this.#waitingForRoom.add(first)
  }

  readonly #flushTask = (): void => {
    this.#flush(this.#waitingForTask)
  }

  #flush(waiting: Set<Flushable>): void {
    const sinks = [...waiting]
    waiting.clear()
    for (const sink of sinks) {
      try {
        sink.flush()
      } catch (error) {
        // A callback of the application threw: report it, and still flush the other sinks.
        queueMicrotask(() => {
          throw error
        })
      }
    }
  }

  #stopPolling(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

function fullMark(): number {
  return isHidden() ? FULL_WHILE_HIDDEN : FULL
}

function isHidden(): boolean {
  const { document } = globalThis as { document?: Document } // workers and Node have none
  return document?.visibilityState === 'hidden'
}
