import type { Socket as NetSocket } from 'node:net'
import type { Socket } from 'engine.io'
import type { WebSocket } from 'ws'
import type { Cork } from './cork.js'
import type { Encoded } from '../codec/encoded.js'
import { BINARY_OPCODE, headSize, writeHead } from '../codec/websocket-frame.js'
import { Heartbeat } from './heartbeat.js'

/** The packet that announces a chunk, in both forms it is sent in. */
export interface ChunkHeader {
  /** The packet. */
  text: string
  /** The packet as a whole WebSocket message, with engine.io's `4` before it. */
  frame: Buffer
}

/** What a client sends. */
export interface Incoming {
  /** A text message. */
  text(text: string): void
  /** A text message that announces attachments, as bytes with engine.io's `4` before it. @returns false if it is to be told as text */
  header(bytes: Buffer): boolean
  /** A binary message; its payload begins at `offset`. */
  binary(bytes: Buffer, offset: number): void
}

/** Who is told of what happens to a link. */
export interface LinkOwner {
  /** The client has asked for something that was answered below: it is to read the answers. */
  asked(): void
  /** What waits to be sent has become half as much as {@link Link.onDrain} was asked to wait for, or less. */
  drained(): void
  /** The last word. */
  lost(reason: string): void
}

/** Milliseconds a client has to finish the closing handshake before its socket is destroyed. */
const CLOSE_GRACE = 1_000
const MESSAGE = 0x34 // '4'
const BINARY_EVENT = 0x35 // '5'
/** The byte engine.io 3 puts before the payload of a binary message. */
const MESSAGE_BYTE = 4

const TEXT = { binary: false, compress: false }
/** Payloads up to this size leave in one piece with their header: copying them costs less than writing thrice. */
const COPIED_UP_TO = 1_024
/** Bytes unsent from which on a client is taken to be slow. */
const WAITING = 65_536
const OPEN = 1

/**
 * The connection to one client. Messages go straight to its WebSocket as soon as it has one, corked per tick, and to
 * engine.io's buffer else: while it polls, while it upgrades, and if it takes binary as base64 only. Heartbeats and the
 * handshake stay with engine.io.
 */
export class Link {
  readonly #socket: Socket
  readonly #cork: Cork
  readonly #incoming: Incoming
  readonly #owner: LinkOwner
  readonly #heartbeat: Heartbeat
  #webSocket: WebSocket | undefined
  #net: NetSocket | undefined
  /** Bytes handed to engine.io since it last wrote. */
  #queued = 0
  /** How often it has written: of a client that polls, how often that has taken what there was. */
  #flushes = 0
  #wantsDrainAt = 0
  /** Looks at the backlog when a message has been taken. Undefined until a stream leads here. */
  #onTaken: (() => void) | undefined
  #paused = false
  #onResume: (() => void)[] | undefined
  /** Whether engine.io has been given something: then it is asked when that has left. */
  #usesEngine = false

  constructor(socket: Socket, cork: Cork, incoming: Incoming, owner: LinkOwner) {
    this.#socket = socket
    this.#cork = cork
    this.#incoming = incoming
    this.#owner = owner
    this.#heartbeat = new Heartbeat(socket)
    socket.on('message', (data: string | Buffer | undefined) => {
      this.#heartbeat.heard()
      if (Buffer.isBuffer(data)) incoming.binary(data, 0)
      // engine.io tells an empty message as none.
      else incoming.text(data ?? '')
    })
    socket.once('close', (reason: string) => {
      owner.lost(reason)
      this.#runWaiting()
    })
    if (socket.transport.name === 'websocket') {
      this.#takeOver()
    } else {
      this.#watchEngine()
      socket.once('upgrade', () => this.#takeOver())
    }
  }

  /** Bytes that wait to be taken by the operating system. */
  get buffered(): number {
    return this.#queued + (this.#webSocket?.bufferedAmount ?? 0)
  }

  /** A number that changes while the client takes what waits for it. */
  get progress(): number {
    if (this.polling) return this.#flushes
    // What the operating system has been given and not sent yet. Node has no public name for it.
    const handle = (this.#net as unknown as { _handle?: { writeQueueSize?: number } } | undefined)?._handle
    return handle?.writeQueueSize ?? 0
  }

  /** A client that polls cannot be paused: it is not answered instead. */
  get polling(): boolean {
    return this.#webSocket === undefined
  }

  get paused(): boolean {
    return this.#paused
  }

  /** @param text - a socket.io packet */
  sendText(text: string): void {
    const webSocket = this.#direct()
    if (webSocket === undefined) return this.#sendThroughEngine(text, text.length)
    webSocket.send(`4${text}`, TEXT, this.#onTaken)
  }

  /** Sends messages that others are sent too. */
  sendEncoded({ texts, frames }: Encoded): void {
    const webSocket = this.#direct()
    if (webSocket === undefined) {
      for (const text of texts) this.#sendThroughEngine(text, text.length)
    } else if (webSocket.readyState === OPEN) {
      senderOf(webSocket).sendFrame(frames, this.#onTaken)
    }
  }

  /**
   * Sends a packet with its attachment.
   *
   * @param bytes - the attachment; a large one is not copied
   * @param offset - where the payload begins: 1 after the byte that revision 3 puts before it, else 0
   */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void {
    const webSocket = this.#direct()
    if (webSocket === undefined) {
      this.#sendThroughEngine(header.text, header.text.length)
      this.#sendThroughEngine(bytes.subarray(offset), bytes.length)
      return
    }
    if (webSocket.readyState !== OPEN) return
    const sender = senderOf(webSocket)
    const { frame } = header
    const prefix = this.#socket.protocol === 3 ? 1 : 0
    const size = bytes.length - offset + prefix
    // A piece of something larger is not kept waiting, for all of that would be kept with it.
    const isPiece = bytes.length * 2 < bytes.buffer.byteLength && webSocket.bufferedAmount > WAITING
    const isCopied = size <= COPIED_UP_TO || isPiece
    const out = Buffer.allocUnsafe(frame.length + headSize(size) + prefix + (isCopied ? size - prefix : 0))
    out.set(frame)
    let end = writeHead(out, frame.length, BINARY_OPCODE, size)
    if (prefix === 1) out[end++] = MESSAGE_BYTE
    if (isCopied) {
      bytes.copy(out, end, offset)
      sender.sendFrame([out], this.#watchBacklog())
    } else {
      sender.sendFrame([out, offset === 0 ? bytes : bytes.subarray(offset)], this.#watchBacklog())
    }
  }

  /** Asks for one `drain` when half of `mark` bytes or less wait to be sent. */
  onDrain(mark: number): void {
    this.#watchBacklog()
    this.#wantsDrainAt = this.#wantsDrainAt === 0 ? mark / 2 : Math.min(this.#wantsDrainAt, mark / 2)
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#heartbeat.suspend()
    this.#webSocket?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#heartbeat.resume()
    this.#webSocket?.resume()
    this.#runWaiting()
  }

  /** Somebody waits for that already. */
  get hasWaiting(): boolean {
    return this.#onResume !== undefined
  }

  /** Runs once the client is read from again, or is gone: what a polling client sends has to wait that long. */
  whenResumed(callback: () => void): void {
    this.#onResume ??= []
    this.#onResume.push(callback)
  }

  /**
   * Sends what a client waits for whose own part of the heartbeat does not get through: engine.io's pong in revision 3,
   * its next ping in revision 4.
   */
  reassure(): void {
    this.#direct()?.send(this.#socket.protocol === 3 ? '3' : '2', TEXT)
  }

  ping(): void {
    this.#webSocket?.ping()
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

  /**
   * Closes the connection.
   *
   * @param code - of the WebSocket close frame; undefined lets the client's own goodbye stand
   */
  close(code: number | undefined, detail: string): void {
    const webSocket = this.#webSocket
    if (webSocket === undefined) {
      // engine.io would wait for a poll that may never come.
      this.#socket.close(true)
      return
    }
    // What is paused would never read the client's answer.
    webSocket.resume()
    if (code !== undefined) webSocket.close(code, detail.slice(0, 120))
    // A socket that is merely closed keeps its buffers for half a minute if the client does not answer.
    setTimeout(() => webSocket.terminate(), CLOSE_GRACE).unref()
    this.#socket.close()
  }

  /** Drops the connection with all that waits to be sent. */
  terminate(): void {
    this.#webSocket?.terminate()
    this.#socket.close(true)
  }

  /** From now on messages come from the WebSocket itself; what is no packet with attachments goes on to engine.io. */
  #takeOver(): void {
    // engine.io does not type the WebSocket of its transport of that name.
    const webSocket = (this.#socket.transport as unknown as { socket: WebSocket }).socket
    this.#webSocket = webSocket
    // ws has no public name for the socket below it; engine.io uses this one.
    this.#net = (webSocket as unknown as { _socket: NetSocket })._socket
    const [engineListener] = webSocket.listeners('message') as [(data: Buffer, isBinary: boolean) => void] // engine.io's only one
    webSocket.removeAllListeners('message')
    const isRevision3 = this.#socket.protocol === 3
    // ws answers pings by itself, whether or not the answers are read.
    webSocket.on('ping', () => this.#owner.asked())
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#heartbeat.heard()
      if (isBinary) {
        if (!isRevision3) return this.#incoming.binary(data, 0)
        if (data[0] === MESSAGE_BYTE) return this.#incoming.binary(data, 1)
      } else if (data[1] === BINARY_EVENT && data[0] === MESSAGE && this.#incoming.header(data)) {
        return
      }
      engineListener(data, isBinary)
    })
    if (this.#onTaken !== undefined) this.#net.on('drain', this.#onTaken)
    if (this.#paused) webSocket.pause()
  }

  /** The WebSocket, if a message written to it now comes after all that were given to engine.io. */
  #direct(): WebSocket | undefined {
    const webSocket = this.#webSocket
    if (webSocket === undefined) return undefined
    // engine.io types its buffer as private.
    const { upgrading, writeBuffer, transport } = this.#socket as unknown as EngineSocketState
    if (upgrading || writeBuffer.length > 0 || !transport.supportsBinary) return undefined
    if (this.#net !== undefined) this.#cork.holdForTick(this.#net)
    return webSocket
  }

  #runWaiting(): void {
    const callbacks = this.#onResume ?? []
    this.#onResume = undefined
    for (const callback of callbacks) callback()
  }

  #sendThroughEngine(data: string | Buffer, size: number): void {
    if (!this.#usesEngine) this.#watchEngine()
    this.#queued += size
    this.#socket.send(data)
  }

  #watchEngine(): void {
    this.#usesEngine = true
    this.#socket.on('flush', () => {
      this.#queued = 0
      this.#flushes++
    })
    this.#socket.on('drain', () => this.#onDrain())
  }

  #onDrain(): void {
    if (this.#wantsDrainAt === 0 || this.buffered > this.#wantsDrainAt) return
    this.#wantsDrainAt = 0
    this.#owner.drained()
  }

  /** @returns what is to be called when a message has been taken */
  #watchBacklog(): () => void {
    if (this.#onTaken === undefined) {
      this.#onTaken = () => this.#onDrain()
      this.#net?.on('drain', this.#onTaken)
    }
    return this.#onTaken
  }
}

interface FrameSender {
  /** @param parts - one or two */
  sendFrame(parts: readonly Buffer[], taken: (() => void) | undefined): void
}

/** ws types no way to write a whole frame; engine.io uses this one for its pre-encoded frames. */
function senderOf(webSocket: WebSocket): FrameSender {
  return (webSocket as unknown as { _sender: FrameSender })._sender
}

interface EngineSocketState {
  upgrading: boolean
  writeBuffer: readonly unknown[]
  transport: { supportsBinary: boolean }
}
