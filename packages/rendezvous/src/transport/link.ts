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

/** Milliseconds a client has to finish the closing handshake before its socket is destroyed. */
const CLOSE_GRACE = 1_000
/** The byte that engine.io 3 puts before the payload of a binary message. */
export const MESSAGE_BYTE = 4

const TEXT = { binary: false, compress: false }
/** Payloads up to this size leave in one piece with their header: copying them costs less than writing thrice. */
const COPIED_UP_TO = 1_024
const OPEN = 1
const CLOSED = 3
/** Bytes that engine.io keeps for a packet beside its data. */
const ENGINE_PACKET_OVERHEAD = 200
/** Reasons for which what the client goes on to send is not even read. */
const OVERLOAD_REASONS: ReadonlySet<CloseReason> = new Set<CloseReason>(['flood', 'unfinished messages'])
/** Milliseconds between two looks at the backlog of a WebSocket that cannot be watched directly. */
const BACKLOG_POLL_INTERVAL = 50
const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

/**
 * The way out to one client, and the state of its connection. Messages go straight to its WebSocket as soon as it has one,
 * corked per tick. They go through engine.io's buffer while the client polls or upgrades, if it takes binary as base64 only,
 * and on runtimes without the direct way. Handshakes and heartbeats stay with engine.io.
 */
export class Link {
  readonly #socket: Socket
  readonly #cork: Cork
  readonly #heartbeat: Heartbeat
  #webSocket: WebSocket | undefined
  /** Writes to its WebSocket, if there is a direct way to the client. */
  #writer: FrameWriter | undefined
  /** What it sends over its WebSocket, and while it polls. */
  #frameInput: FrameInput | undefined
  readonly #payloadInput: PayloadInput | undefined
  #closeReason: CloseReason | undefined
  #isTerminating = false
  #ended = false
  /** Bytes handed to engine.io since it last wrote. */
  #engineQueued = 0
  /** Number of times that engine.io has written: of a client that polls, that it has taken what there was. */
  #flushes = 0
  /** Bytes queued at most when {@link Link.onDrain}'s listener is called; 0 if nobody asked. */
  #drainMark = 0
  #onDrained: (() => void) | undefined
  /** Looks at the backlog when a message has been taken. Undefined until a stream leads here. */
  #onWritten: (() => void) | undefined
  #backlogTimer: NodeJS.Timeout | undefined
  #paused = false
  #resumeCallbacks: (() => void)[] | undefined
  /** Messages have been given to engine.io, which tells when they have left. */
  #usesEngine = false

  /**
   * @param payloads - of a client that polls
   * @param closed - called once, when nothing more comes and nothing more goes
   */
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
      // engine.io would wait half a minute for the client's part of the closing handshake.
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

  /** Nothing more comes and nothing more goes. */
  get ended(): boolean {
    return this.#ended
  }

  /** The connection has ended, or is being closed by this server: messages that still come are ignored. */
  get closing(): boolean {
    return this.#closeReason !== undefined
  }

  /**
   * The WebSocket can be written to, read from and paused directly: not on Bun, whose WebSockets go on to hand over messages
   * while they are paused.
   */
  get isDirect(): boolean {
    return this.#writer !== undefined
  }

  /** Bytes queued for the client. */
  get buffered(): number {
    return this.#engineQueued + (this.#writer?.buffered ?? this.#webSocket?.bufferedAmount ?? 0)
  }

  /** A number that changes while the client takes what is queued for it. */
  get progress(): number {
    if (this.#webSocket === undefined) return this.#flushes
    return (this.#writer && writeQueueSize(this.#writer.net)) ?? this.#webSocket.bufferedAmount
  }

  /** The client polls: it is paused by not answering it. */
  get polling(): boolean {
    return this.#webSocket === undefined
  }

  get paused(): boolean {
    return this.#paused
  }

  /** It has sent more than has been worked through: what it says now is heard later. */
  get hasUnprocessedInput(): boolean {
    return this.#frameInput?.hasUnprocessedInput === true || this.#payloadInput?.hasUnprocessedInput === true
  }

  /** A message has come from the client. */
  recordActivity(): void {
    this.#heartbeat.recordActivity()
  }

  /** @param text - a socket.io packet */
  sendText(text: string): void {
    const writer = this.#direct()
    if (writer === undefined) return this.#sendThroughEngine(text, text.length)
    writer.writeText(text, this.#onWritten)
  }

  /** Sends messages that other clients are sent too. */
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
   * @param bytes - the attachment; a large one is not copied
   * @param offset - where the payload begins: 1 after the byte that revision 3 puts before it, else 0
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
    // A piece of something larger is not kept waiting, for all of that would be kept with it.
    const isPiece = bytes.length * 2 < bytes.buffer.byteLength && writer.net.writableLength > SLOW_FROM
    const isCopied = size <= COPIED_UP_TO || isPiece
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

  /** Asks for one call of `drained` once at most half of `mark` bytes are queued. Of several marks the lowest counts. */
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

  /** Somebody waits for that already. */
  get hasResumeCallbacks(): boolean {
    return this.#resumeCallbacks !== undefined
  }

  /** Runs once the client is read from again, or is gone: what a polling client sends next has to wait that long. */
  whenResumed(callback: () => void): void {
    this.#resumeCallbacks ??= []
    this.#resumeCallbacks.push(callback)
  }

  /**
   * Sends what a client waits for whose own part of the heartbeat does not get through: engine.io's pong in revision 3,
   * its next ping in revision 4.
   */
  reassure(): void {
    if (this.#direct() !== undefined) this.#webSocket?.send(this.#socket.protocol === 3 ? '3' : '2', TEXT)
  }

  ping(): void {
    this.#webSocket?.ping()
  }

  /** Sends the answer to a ping. */
  answerPing(data: Buffer): void {
    const writer = this.#direct()
    if (writer === undefined) this.#webSocket?.pong(data)
    else writer.pong(data)
  }

  /** Tells of each answer to a WebSocket ping; not for clients that poll. */
  onPong(listener: () => void): () => void {
    const webSocket = this.#webSocket
    webSocket?.on('pong', listener)
    return () => webSocket?.off('pong', listener)
  }

  /** Tells when a client that polls asks for what there is, at once if it is waiting already. */
  onPoll(listener: () => void): () => void {
    const { transport } = this.#socket
    if (transport.writable) listener()
    transport.on('ready', listener)
    // One that leaves polling for a WebSocket polls no more.
    this.#socket.on('upgrade', listener)
    return () => {
      transport.off('ready', listener)
      this.#socket.off('upgrade', listener)
    }
  }

  /** Closes the connection. A WebSocket client is told why in the close frame. */
  close(reason: CloseReason, detail: string = reason): void {
    if (this.closing) return
    this.#closeReason = reason
    const webSocket = this.#webSocket
    if (webSocket === undefined) {
      // engine.io would wait for a poll that may never come.
      this.#socket.close(true)
      return
    }
    // What is paused would never read the client's answer.
    this.#resumeInputs()
    this.#writer?.flush()
    const code = reason === 'server stop' ? GOING_AWAY : POLICY_VIOLATION
    // A client that said goodbye keeps its own code.
    if (reason !== 'client disconnect') webSocket.close(code, detail.slice(0, 120))
    if (this.#frameInput !== undefined) this.#frameInput.isClosing = true
    if (OVERLOAD_REASONS.has(reason)) this.#frameInput?.discard()
    this.#terminateLater()
    this.#socket.close()
  }

  /** Drops the connection with everything that is queued for the client. */
  terminate(reason: CloseReason): void {
    if (this.#ended) return
    this.#closeReason = reason
    this.#frameInput?.discard()
    this.#webSocket?.terminate()
    this.#socket.close(true)
  }

  /** A socket that is merely closed keeps its buffers for half a minute if the client does not answer. */
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

  /** The client has a WebSocket from now on. */
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

  /** Returns the direct way, if a message written to it now comes after all that were given to engine.io. */
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

  /** Looks at the backlog now and then where nothing tells that it has shrunk. */
  #pollBacklog(): void {
    if (this.#webSocket === undefined || this.isDirect || this.#drainMark === 0 || this.#ended) return
    this.#backlogTimer ??= setInterval(() => this.#checkDrain(), BACKLOG_POLL_INTERVAL).unref()
  }

  /** @returns what is to be called when a message has been taken */
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
