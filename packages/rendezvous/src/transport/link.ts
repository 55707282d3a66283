import type { Socket } from 'engine.io'
import type { WebSocket } from 'ws'
import type { Encoded } from '../codec/encoded.js'
import type { ChunkHeader } from '../codec/stream-frame.js'
import { BINARY_OPCODE, headSize, writeHead } from '../codec/websocket-frame.js'
import type { CloseReason } from '../stats.js'
import type { Cork } from './cork.js'
import { directSocketOf, heartbeatOf, mayWriteDirectly, webSocketOf, writeQueueSize } from './engine-internals.js'
import { frameInputOf, type FrameInput } from './frame-input.js'
import { FrameWriter, SLOW_FROM } from './frame-writer.js'
import { Heartbeat } from './heartbeat.js'
import type { PayloadInput } from './payload-input.js'

/** Milliseconds for the closing handshake before the socket is destroyed. */
const CLOSE_GRACE = 1_000
/** Byte that engine.io 3 puts before the payload of a binary message. */
export const MESSAGE_BYTE = 4

const TEXT = { binary: false, compress: false }
/** Largest payload that is copied behind its header: copying it is cheaper than another write. */
const MAX_COPIED_PAYLOAD = 1_024
const OPEN = 1
const CLOSED = 3
/** Memory that engine.io takes for a packet beside its data. */
const ENGINE_PACKET_OVERHEAD = 200
/** Close reasons after which the client's input is dropped unread. */
const OVERLOAD_REASONS: ReadonlySet<CloseReason> = new Set<CloseReason>(['flood', 'unfinished messages'])
/** Milliseconds between checks of a backlog that emits no events. */
const BACKLOG_POLL_INTERVAL = 50
const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

/**
 * Sends to one client, and controls its connection. Messages go directly to the WebSocket, corked per tick. They go
 * through engine.io while the client polls or upgrades, if the client needs base64, and if the runtime has no direct path.
 * engine.io also does handshakes and heartbeats.
 */
export class Link {
  readonly #socket: Socket
  readonly #cork: Cork
  readonly #heartbeat: Heartbeat
  #webSocket: WebSocket | undefined
  /** Undefined if there is no direct path. */
  #writer: FrameWriter | undefined
  #frameInput: FrameInput | undefined
  readonly #payloadInput: PayloadInput | undefined
  #closeReason: CloseReason | undefined
  #isTerminating = false
  #ended = false
  /** Bytes passed to engine.io since engine.io's last flush. */
  #engineQueued = 0
  /** Number of engine.io's flushes. Each flush to a polling client proves that it reads. */
  #flushes = 0
  /** Backlog at which the drain callback is called; 0 if none is requested. */
  #drainMark = 0
  #onDrained: (() => void) | undefined
  /** Called when a message has been written. Undefined until a stream leads to this client. */
  #onWritten: (() => void) | undefined
  #backlogTimer: NodeJS.Timeout | undefined
  #paused = false
  #resumeCallbacks: (() => void)[] | undefined
  /** Whether the events of engine.io's queue are observed. */
  #usesEngine = false

  /** @param closed - called once, when the connection has ended */
  constructor(socket: Socket, cork: Cork, payloads: PayloadInput | undefined, closed: (reason: CloseReason) => void) {
    this.#socket = socket
    this.#cork = cork
    this.#payloadInput = payloads
    if (payloads !== undefined) payloads.onIdle = () => this.#runResumeCallbacks()
    this.#heartbeat = new Heartbeat(socket, heartbeatOf(socket))
    socket.once('close', (why: string) => {
      this.#ended = true
      this.#closeReason ??= closeReasonOf(why)
      clearInterval(this.#backlogTimer)
      this.#payloadInput?.discard()
      // engine.io would wait half a minute for the client's close frame.
      this.#terminateLater()
      closed(this.#closeReason)
      this.#runResumeCallbacks()
    })
    if (webSocketOf(socket) !== undefined) {
      this.#useWebSocket()
    } else {
      this.#watchEngine()
      socket.once('upgrade', () => this.#useWebSocket())
    }
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Whether the connection has ended or is closing; further messages are ignored. */
  get closing(): boolean {
    return this.#closeReason !== undefined
  }

  /** Whether the WebSocket can be accessed directly: not on Bun, where paused WebSockets still emit messages. */
  get isDirect(): boolean {
    return this.#writer !== undefined
  }

  get buffered(): number {
    return this.#engineQueued + (this.#writer?.buffered ?? this.#webSocket?.bufferedAmount ?? 0)
  }

  /** Number that changes while the client reads its backlog. */
  get progress(): number {
    if (this.#webSocket === undefined) return this.#flushes
    return (this.#writer && writeQueueSize(this.#writer.net)) ?? this.#webSocket.bufferedAmount
  }

  get polling(): boolean {
    return this.#webSocket === undefined
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Whether the client has sent bytes that are not processed yet. */
  get hasUnprocessedInput(): boolean {
    return this.#frameInput?.hasUnprocessedInput === true || this.#payloadInput?.hasUnprocessedInput === true
  }

  recordActivity(): void {
    this.#heartbeat.recordActivity()
  }

  sendText(text: string): void {
    const writer = this.#direct()
    if (writer === undefined) return this.#sendThroughEngine(text, text.length)
    writer.writeText(text, this.#onWritten)
  }

  /** Sends messages that are encoded once for many clients. */
  sendEncoded({ texts, frames }: Encoded): void {
    const writer = this.#direct()
    if (writer === undefined) {
      for (const text of texts) this.#sendThroughEngine(text, text.length)
    } else if (this.#webSocket?.readyState === OPEN) {
      writer.write(frames, this.#onWritten)
    }
  }

  /**
   * Sends a packet with its attachment.
   *
   * @param bytes - attachment; not copied if large
   * @param offset - start of the payload: 1 after the byte of revision 3, else 0
   */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void {
    const writer = this.#direct()
    if (writer === undefined) {
      this.#sendThroughEngine(header.text, header.text.length)
      this.#sendThroughEngine(bytes.subarray(offset), bytes.length)
      return
    }
    if (this.#webSocket?.readyState !== OPEN) return
    const { frame } = header
    const prefix = this.#socket.protocol === 3 ? 1 : 0
    const size = bytes.length - offset + prefix
    // A slice keeps its whole buffer in memory, so it is copied if it has to be queued.
    const isPiece = bytes.length * 2 < bytes.buffer.byteLength && writer.net.writableLength > SLOW_FROM
    const isCopied = size <= MAX_COPIED_PAYLOAD || isPiece
    const out = Buffer.allocUnsafe(frame.length + headSize(size) + prefix + (isCopied ? size - prefix : 0))
    out.set(frame)
    let end = writeHead(out, frame.length, BINARY_OPCODE, size)
    if (prefix === 1) out[end++] = MESSAGE_BYTE
    if (isCopied) {
      bytes.copy(out, end, offset)
      writer.write([out], this.#watchBacklog())
    } else {
      writer.write([out, offset === 0 ? bytes : bytes.subarray(offset)], this.#watchBacklog())
    }
  }

  /** Calls `drained` once when at most half of `mark` bytes are queued. The lowest of several marks applies. */
  onDrain(mark: number, drained: () => void): void {
    this.#watchBacklog()
    this.#drainMark = this.#drainMark === 0 ? mark / 2 : Math.min(this.#drainMark, mark / 2)
    this.#onDrained = drained
    this.#pollBacklog()
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#heartbeat.suspend()
    this.#pauseInputs()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#heartbeat.resume()
    this.#resumeInputs()
    this.#runResumeCallbacks()
  }

  get hasResumeCallbacks(): boolean {
    return this.#resumeCallbacks !== undefined
  }

  /** Calls back once the client is resumed or has disconnected. */
  whenResumed(callback: () => void): void {
    this.#resumeCallbacks ??= []
    this.#resumeCallbacks.push(callback)
  }

  /** Sends a sign of life to a client whose heartbeat cannot get through: a pong in revision 3, else a ping. */
  reassure(): void {
    if (this.#direct() !== undefined) this.#webSocket?.send(this.#socket.protocol === 3 ? '3' : '2', TEXT)
  }

  ping(): void {
    this.#webSocket?.ping()
  }

  answerPing(data: Buffer): void {
    const writer = this.#direct()
    if (writer === undefined) this.#webSocket?.pong(data)
    else writer.pong(data)
  }

  /** Subscribes to the answers to WebSocket pings. @returns the function that unsubscribes */
  onPong(listener: () => void): () => void {
    const webSocket = this.#webSocket
    webSocket?.on('pong', listener)
    return () => webSocket?.off('pong', listener)
  }

  /** Subscribes to polls, a pending one included. @returns the function that unsubscribes */
  onPoll(listener: () => void): () => void {
    const { transport } = this.#socket
    if (transport.writable) listener()
    transport.on('ready', listener)
    // A client that upgrades stops polling.
    this.#socket.on('upgrade', listener)
    return () => {
      transport.off('ready', listener)
      this.#socket.off('upgrade', listener)
    }
  }

  /** Closes the connection. A WebSocket's close frame carries the detail. */
  close(reason: CloseReason, detail: string = reason): void {
    if (this.closing) return
    this.#closeReason = reason
    const webSocket = this.#webSocket
    if (webSocket === undefined) {
      // engine.io would wait for a poll that may never come.
      this.#socket.close(true)
      return
    }
    // A paused WebSocket would never read the client's close frame.
    this.#resumeInputs()
    this.#writer?.flush()
    const code = reason === 'server stop' ? GOING_AWAY : POLICY_VIOLATION
    // The client's own close code is kept.
    if (reason !== 'client disconnect') webSocket.close(code, detail.slice(0, 120))
    if (this.#frameInput !== undefined) this.#frameInput.isClosing = true
    if (OVERLOAD_REASONS.has(reason)) this.#frameInput?.discard()
    this.#terminateLater()
    this.#socket.close()
  }

  /** Drops the connection and its backlog. */
  terminate(reason: CloseReason): void {
    if (this.#ended) return
    this.#closeReason = reason
    this.#frameInput?.discard()
    this.#webSocket?.terminate()
    this.#socket.close(true)
  }

  /** Terminates the WebSocket after a grace period. Otherwise ws keeps its buffers for half a minute. */
  #terminateLater(): void {
    const webSocket = this.#webSocket
    if (webSocket === undefined || webSocket.readyState === CLOSED || this.#isTerminating) return
    this.#isTerminating = true
    setTimeout(() => {
      this.#frameInput?.discard()
      webSocket.terminate()
    }, CLOSE_GRACE).unref()
  }

  #pauseInputs(): void {
    if (this.#frameInput === undefined) this.#webSocket?.pause()
    else this.#frameInput.pause()
    this.#payloadInput?.pause()
  }

  #resumeInputs(): void {
    if (this.#frameInput === undefined) this.#webSocket?.resume()
    else this.#frameInput.resume()
    this.#payloadInput?.resume()
  }

  #useWebSocket(): void {
    const webSocket = webSocketOf(this.#socket)
    const net = directSocketOf(this.#socket)
    this.#webSocket = webSocket
    this.#frameInput = webSocket && frameInputOf(webSocket)
    if (webSocket === undefined || net === undefined) {
      this.#watchEngine()
      this.#pollBacklog()
    } else {
      this.#writer = new FrameWriter(webSocket, net)
      if (this.#onWritten !== undefined) net.on('drain', this.#onWritten)
    }
    if (this.#paused) this.#pauseInputs()
  }

  /** Returns the direct path if it is available and engine.io has no earlier messages queued. */
  #direct(): FrameWriter | undefined {
    if (this.#writer === undefined || !mayWriteDirectly(this.#socket)) return undefined
    if (this.#cork.corkForTick(this.#writer.net)) this.#writer.checkSlow()
    return this.#writer
  }

  #runResumeCallbacks(): void {
    if (this.#paused && !this.#ended) return
    const callbacks = this.#resumeCallbacks ?? []
    this.#resumeCallbacks = undefined
    for (const callback of callbacks) callback()
  }

  #sendThroughEngine(data: string | Buffer, size: number): void {
    this.#watchEngine()
    this.#engineQueued += size + ENGINE_PACKET_OVERHEAD
    this.#socket.send(data)
  }

  #watchEngine(): void {
    if (this.#usesEngine) return
    this.#usesEngine = true
    this.#socket.on('flush', () => {
      this.#engineQueued = 0
      this.#flushes++
    })
    this.#socket.on('drain', () => this.#checkDrain())
  }

  #checkDrain(): void {
    if (this.#drainMark === 0 || this.buffered > this.#drainMark) return
    this.#drainMark = 0
    clearInterval(this.#backlogTimer)
    this.#backlogTimer = undefined
    this.#onDrained?.()
  }

  /** Polls the backlog where no event reports that it has shrunk. */
  #pollBacklog(): void {
    if (this.#webSocket === undefined || this.isDirect || this.#drainMark === 0 || this.#ended) return
    this.#backlogTimer ??= setInterval(() => this.#checkDrain(), BACKLOG_POLL_INTERVAL).unref()
  }

  /** Returns the callback for written messages. */
  #watchBacklog(): () => void {
    if (this.#onWritten === undefined) {
      this.#onWritten = () => this.#checkDrain()
      this.#writer?.net.on('drain', this.#onWritten)
    }
    return this.#onWritten
  }
}

function closeReasonOf(reason: string): CloseReason {
  switch (reason) {
    case 'ping timeout':
      return 'heartbeat timeout'
    case 'transport error':
      return 'transport error'
    case 'parse error':
      return 'malformed packet'
    case 'forced close':
      return 'client disconnect'
    default:
      return 'transport closed'
  }
}
