import type { Socket } from 'engine.io'
import { parseConnectRequest, WIRE_ERRORS } from '@websocket-star/protocol'
import type { CloseReason, Counters } from '../stats.js'
import { AckTable, type RequestOutcome } from './acks.js'
import { Link, type ChunkHeader } from './link.js'
import {
  ackText,
  connectErrorText,
  connectText,
  eventText,
  MalformedPacketError,
  readPacket,
  type Packet
} from './packet.js'
import {
  acceptText,
  creditText,
  errorText,
  readQueueHeader,
  readStreamEvent,
  readUnreadableEvent,
  type StreamFrame
} from './stream-frame.js'

/** Answers a client's request. Only the first call is sent. */
export type Ack = (...args: unknown[]) => void

/** What a session tells of. One listener serves every session of a server; nothing it throws reaches the socket. */
export interface SessionListener {
  event(session: Session, name: string, args: unknown[], ack: Ack | undefined): void
  /** Anything of a stream but its chunks: these go to their {@link StreamRoute}. */
  stream(session: Session, frame: StreamFrame): void
  /** What waits to be sent has become little enough: see {@link Link.onDrain}. */
  drain(session: Session): void
  /** The last word of a session: nothing comes after it, and everything sent before it by the client has been told. */
  end(session: Session, reason: CloseReason): void
  /** Something of ours threw. */
  fault(session: Session, error: unknown): void
}

/** Where a client connects from. */
export interface RemoteAddress {
  ip: string
  /** Limits per address leave it out: it is loopback, or a proxy that is trusted. */
  exempt: boolean
}

/** Where the chunks of one stream go. Looked up by name when a header comes, and asked anew for each chunk. */
export interface StreamRoute {
  /** It takes no more: the name is free, and may belong to another stream by now. */
  readonly ended: boolean
  /**
   * Takes a chunk.
   *
   * @param bytes - the attachment; its payload begins at `offset`
   */
  chunk(from: Session, bytes: Buffer, offset: number): void
}

const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001
const NO_HEADER = Buffer.alloc(0)
/**
 * One client's connection: engine.io below (handshake, heartbeat, polling and upgrade), socket.io packets above. It
 * decodes and validates what the client sends and tells it, in order, to its listener.
 */
export class Session {
  readonly id: string
  /** Revision of engine.io: 3 is spoken by socket.io 2 clients, 4 by later ones. */
  readonly protocol: 3 | 4
  readonly remote: RemoteAddress
  /** The streams this session is an end of, by name. Owned by the relay. */
  readonly routes = new Map<string, StreamRoute>()
  readonly #link: Link
  readonly #listener: SessionListener
  readonly #counters: Counters
  readonly #acks = new AckTable()
  /** Attachments that were announced and have not come. */
  #attachments = 0
  /** Where the attachment goes; undefined when it is to be thrown away. */
  #route: StreamRoute | undefined
  /** The header that came last and where it led: one stream's chunks often come in a row. */
  #lastHeader: Buffer = NO_HEADER
  #lastRoute: StreamRoute | undefined
  #connected = false
  #extended = false
  #ended = false
  #closeReason: CloseReason | undefined

  constructor(socket: Socket, remote: RemoteAddress, listener: SessionListener, counters: Counters) {
    // engine.io types its id as private; it is the public `sid` of the handshake.
    this.id = (socket as unknown as { id: string }).id
    this.protocol = socket.protocol === 3 ? 3 : 4
    this.remote = remote
    this.#listener = listener
    this.#counters = counters
    this.#link = new Link(socket, {
      text: (text) => this.#guard(() => this.#receiveText(text)),
      header: (bytes) => this.#receiveHeader(bytes),
      binary: (bytes, offset) => this.#receiveBinary(bytes, offset),
      drain: () => this.#listener.drain(this),
      close: (reason) => this.#end(this.#closeReason ?? closeReasonOf(reason))
    })
  }

  /** Called once by the owner, after the session is registered: an older client is connected from the start. */
  start(): void {
    if (this.protocol === 3) this.#connect()
  }

  get ended(): boolean {
    return this.#ended
  }

  /** The client keeps to windows and credit, and announces its own: see `docs/flow-control.md`. */
  get extended(): boolean {
    return this.#extended
  }

  /** Bytes that wait to be taken by the operating system. */
  get buffered(): number {
    return this.#link.buffered
  }

  /** The connection, for those who watch over its backlog. */
  get link(): Link {
    return this.#link
  }

  emit(name: string, ...args: unknown[]): void {
    this.sendText(eventText(name, args))
  }

  /**
   * Sends an event that the client is to acknowledge.
   *
   * @param timeout - milliseconds to wait; the clock stands still while the session is paused
   */
  request(name: string, args: readonly unknown[], timeout: number, settle: (outcome: RequestOutcome) => void): void {
    const id = this.#acks.add(timeout, (outcome) => this.#try(() => settle(outcome)))
    this.sendText(eventText(name, args, id))
  }

  /** Requests that wait for the client's acknowledgement. */
  get pendingRequests(): number {
    return this.#acks.size
  }

  sendText(text: string): void {
    if (!this.#ended) this.#link.sendText(text)
  }

  /** See {@link Link.sendChunk}. */
  sendChunk(header: ChunkHeader, bytes: Buffer, offset: number): void {
    if (!this.#ended) this.#link.sendChunk(header, bytes, offset)
  }

  sendAccept(stream: string, window: number | undefined): void {
    this.sendText(acceptText(stream, window))
  }

  sendCredit(stream: string, bytes: number): void {
    this.sendText(creditText(stream, bytes))
  }

  sendError(stream: string, reason: true | string): void {
    this.sendText(errorText(stream, reason))
  }

  /** Stops reading from the client; what it has to answer meanwhile may take as long longer. */
  pause(): void {
    this.#acks.pause()
    this.#link.pause()
  }

  resume(): void {
    this.#acks.resume()
    this.#link.resume()
  }

  /**
   * Whether the client answers a WebSocket ping within `timeout` milliseconds. A polling client cannot be asked: it
   * counts as there while one of its polls waits for us. One that we do not read from could not be heard: it counts as
   * there too.
   */
  probe(timeout: number): Promise<boolean> {
    if (this.#ended) return Promise.resolve(false)
    if (this.#link.paused) return Promise.resolve(true)
    if (this.#link.polling) return Promise.resolve(this.#link.pollWaits)
    return new Promise((resolve) => {
      const settle = (alive: boolean) => {
        clearTimeout(timer)
        stopListening()
        resolve(alive)
      }
      const stopListening = this.#link.onPong(() => settle(true))
      const timer = setTimeout(() => settle(false), timeout).unref()
      this.#link.ping()
    })
  }

  /** Ends the session. A WebSocket client is told why in the close frame. */
  close(reason: CloseReason, detail: string = reason): void {
    if (this.#ended || this.#closeReason !== undefined) return
    this.#closeReason = reason
    const code = reason === 'server stop' ? GOING_AWAY : POLICY_VIOLATION
    this.#link.close(reason === 'client disconnect' ? undefined : code, detail)
  }

  /** Ends the session and frees what waits to be sent to it. */
  terminate(reason: CloseReason): void {
    if (this.#ended) return
    this.#closeReason = reason
    this.#link.terminate()
  }

  /** Nothing that a client sends gets past here as an exception. */
  #guard(handle: () => void): void {
    if (this.#closeReason !== undefined) return
    try {
      handle()
    } catch (error) {
      if (error instanceof MalformedPacketError) this.close('malformed packet', error.message)
      else this.#listener.fault(this, error)
    }
  }

  /** What goes wrong in one of our own is told, and stops nothing else. */
  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#listener.fault(this, error)
    }
  }

  /** The way of a chunk's header: no JSON is parsed, and for the stream of the last one nothing is looked up. */
  #receiveHeader(bytes: Buffer): boolean {
    if (this.#closeReason !== undefined) return true
    if (!this.#connected || this.#attachments > 0) return false
    let route = this.#lastRoute
    if (route === undefined || route.ended || !this.#lastHeader.equals(bytes)) {
      const header = readQueueHeader(bytes.toString('latin1', 1))
      if (header === undefined) return false
      route = this.routes.get(header.stream)
      // A copy, for these are a part of all that was read with them.
      this.#lastHeader = Buffer.from(bytes)
      this.#lastRoute = route
    }
    this.#awaitChunk(route)
    return true
  }

  #awaitChunk(route: StreamRoute | undefined): void {
    if (route === undefined) this.#counters.drop('unknown stream')
    this.#route = route
    this.#attachments = 1
  }

  /** The attachments of a packet that goes nowhere. */
  #skipAttachments(count: number): void {
    this.#route = undefined
    this.#attachments = count
  }

  #receiveText(text: string): void {
    if (this.#attachments > 0) throw new MalformedPacketError('text came where an attachment was announced')
    const header = this.#connected ? readQueueHeader(text) : undefined
    if (header !== undefined) return this.#awaitChunk(this.routes.get(header.stream))
    const packet = readPacket(text)
    if (packet.type === 'connect') return this.#receiveConnect(packet.namespace, packet.auth)
    if (!this.#connected) throw new MalformedPacketError('the first packet is CONNECT')
    if (packet.namespace !== '/') return this.#discard(packet)
    switch (packet.type) {
      case 'disconnect':
        return this.close('client disconnect')
      case 'event':
        return this.#receiveEvent(packet)
      case 'ack':
        this.#skipAttachments(packet.attachments)
        return this.#receiveAck(packet.id, packet.args)
      case 'unreadable':
        return this.#receiveUnreadable(packet)
    }
  }

  #receiveBinary(bytes: Buffer, offset: number): void {
    if (this.#closeReason !== undefined) return
    if (this.#attachments === 0) return this.close('malformed packet', 'an attachment came that no packet announced')
    if (--this.#attachments > 0 || this.#route === undefined) return
    try {
      this.#route.chunk(this, bytes, offset)
    } catch (error) {
      this.#listener.fault(this, error)
    }
  }

  #receiveConnect(namespace: string, auth: unknown): void {
    if (namespace !== '/') this.sendText(connectErrorText(namespace, this.protocol))
    else if (this.#connected && this.protocol === 4) throw new MalformedPacketError('CONNECT came twice')
    else if (!this.#connected) this.#connect(auth)
  }

  #connect(auth?: unknown): void {
    this.#connected = true
    // An older client has had its CONNECT together with the handshake.
    if (this.protocol === 3) return
    this.#extended = parseConnectRequest(auth) !== undefined
    this.sendText(connectText(this.id, this.#extended))
  }

  #receiveEvent(packet: Packet & { type: 'event' }): void {
    const { name, args, attachments } = packet
    const frame = readStreamEvent(name, args, attachments)
    if (attachments > 0) {
      if (frame?.kind === 'queue header') return this.#awaitChunk(this.routes.get(frame.stream))
      this.#skipAttachments(attachments)
    }
    if (frame !== undefined) {
      if (frame.kind !== 'queue header') this.#listener.stream(this, frame)
    } else if (attachments > 0) {
      this.#counters.drop('attachment')
      this.#ack(packet.id)?.(WIRE_ERRORS.invalidRequest)
    } else {
      this.#listener.event(this, name, args, this.#ack(packet.id))
    }
  }

  #receiveAck(id: number, args: unknown[]): void {
    if (!this.#acks.settle(id, { answered: true, args })) this.#counters.drop('ack without request')
  }

  #receiveUnreadable(packet: Packet & { type: 'unreadable' }): void {
    this.#skipAttachments(packet.attachments)
    this.#counters.drop(packet.reason)
    if (packet.kind === 'ack') {
      // The answer was not read, but it was not the empty one that means yes.
      if (packet.id !== undefined) this.#receiveAck(packet.id, [{}])
      return
    }
    const end = readUnreadableEvent(packet)
    if (end !== undefined) this.#listener.stream(this, end)
    else this.#ack(packet.id)?.(`${WIRE_ERRORS.invalidRequest}: ${packet.reason}`)
  }

  /** Drops a packet that is not for the star. */
  #discard(packet: Packet): void {
    if ('attachments' in packet) this.#skipAttachments(packet.attachments)
    this.#counters.drop('namespace')
  }

  #ack(id: number | undefined): Ack | undefined {
    if (id === undefined) return undefined
    let answered = false
    return (...args) => {
      if (answered) return
      answered = true
      this.sendText(ackText(id, args))
    }
  }

  #end(reason: CloseReason): void {
    if (this.#ended) return
    this.#ended = true
    this.#route = undefined
    this.#lastRoute = undefined
    this.#counters.close(reason)
    this.#acks.close()
    this.#try(() => this.#listener.end(this, reason))
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
