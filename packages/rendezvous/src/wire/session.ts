import type { Socket } from 'engine.io'
import type { WebSocket } from 'ws'
import { WIRE_ERRORS } from '@websocket-star/protocol'
import type { CloseReason, Counters } from '../stats.js'
import { AckTable, type RequestOutcome } from './acks.js'
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
  queueHeaderText,
  readQueueHeader,
  readStreamEvent,
  readUnreadableEnd,
  type QueueHeader,
  type StreamFrame
} from './stream-frame.js'

/** Answers a client's request. Only the first call is sent. */
export type Ack = (...args: unknown[]) => void

/** What a session tells of. One listener serves every session of a server; nothing it throws reaches the socket. */
export interface SessionListener {
  event(session: Session, name: string, args: unknown[], ack: Ack | undefined): void
  stream(session: Session, frame: StreamFrame): void
  /** The last word of a session: nothing comes after it, and everything sent before it by the client has been told. */
  end(session: Session, reason: CloseReason): void
  /** Something of ours threw. */
  fault(session: Session, error: unknown): void
}

/** What follows a text that announced attachments. */
interface Awaited {
  /** The chunk the attachment belongs to; undefined when the attachments are to be thrown away. */
  header: QueueHeader | undefined
  remaining: number
}

/** How long a client has to finish the closing handshake before its socket is destroyed, in milliseconds. */
const CLOSE_GRACE = 1_000
const POLICY_VIOLATION = 1008
const GOING_AWAY = 1001

/**
 * One client's connection: engine.io below (handshake, heartbeat, polling and upgrade), socket.io packets above. It
 * decodes and validates what the client sends and tells it, in order, to its listener.
 */
export class Session {
  readonly id: string
  /** Revision of engine.io: 3 is spoken by socket.io 2 clients, 4 by later ones. */
  readonly protocol: 3 | 4
  readonly remoteAddress: string
  /** Milliseconds since the epoch. */
  readonly openedAt = Date.now()
  readonly #socket: Socket
  readonly #listener: SessionListener
  readonly #counters: Counters
  readonly #acks = new AckTable()
  #awaited: Awaited | undefined
  #connected = false
  #ended = false
  #closeReason: CloseReason | undefined

  constructor(socket: Socket, remoteAddress: string, listener: SessionListener, counters: Counters) {
    // engine.io types its id as private; it is the public `sid` of the handshake.
    this.id = (socket as unknown as { id: string }).id
    this.protocol = socket.protocol === 3 ? 3 : 4
    this.remoteAddress = remoteAddress
    this.#socket = socket
    this.#listener = listener
    this.#counters = counters
    socket.on('message', (data: string | Buffer) => this.#receive(data))
    socket.once('close', (reason: string) => this.#end(this.#closeReason ?? closeReasonOf(reason)))
  }

  /** Called once by the owner, after the session is registered: an older client is connected from the start. */
  start(): void {
    if (this.protocol === 3) this.#connect()
  }

  get ended(): boolean {
    return this.#ended
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
    const id = this.#acks.add(timeout, settle)
    this.sendText(eventText(name, args, id))
  }

  /** Requests that wait for the client's acknowledgement. */
  get pendingRequests(): number {
    return this.#acks.size
  }

  sendText(text: string): void {
    if (!this.#ended) this.#socket.send(text)
  }

  sendChunk(stream: string, payload: Buffer): void {
    if (this.#ended) return
    this.#socket.send(queueHeaderText(stream))
    this.#socket.send(payload)
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
    this.#webSocket()?.pause()
  }

  resume(): void {
    this.#acks.resume()
    this.#webSocket()?.resume()
  }

  /**
   * Whether the client answers a WebSocket ping within `timeout` milliseconds. A polling client cannot be asked: it
   * counts as there while one of its polls waits for us.
   */
  probe(timeout: number): Promise<boolean> {
    const webSocket = this.#webSocket()
    if (this.#ended) return Promise.resolve(false)
    if (webSocket === undefined) return Promise.resolve(this.#socket.transport.writable)
    return new Promise((resolve) => {
      const settle = (alive: boolean) => {
        clearTimeout(timer)
        webSocket.off('pong', onPong)
        webSocket.off('close', onClose)
        resolve(alive)
      }
      const onPong = () => settle(true)
      const onClose = () => settle(false)
      const timer = setTimeout(() => settle(false), timeout).unref()
      webSocket.once('pong', onPong)
      webSocket.once('close', onClose)
      webSocket.ping()
    })
  }

  /** Ends the session. A WebSocket client is told why in the close frame. */
  close(reason: CloseReason, detail: string = reason): void {
    if (this.#ended || this.#closeReason !== undefined) return
    this.#closeReason = reason
    const webSocket = this.#webSocket()
    if (webSocket !== undefined) {
      if (reason !== 'client disconnect') {
        webSocket.close(reason === 'server stop' ? GOING_AWAY : POLICY_VIOLATION, detail.slice(0, 120))
      }
      // A socket that is merely closed keeps its buffers for half a minute if the client does not answer.
      setTimeout(() => webSocket.terminate(), CLOSE_GRACE).unref()
    }
    this.#socket.close()
  }

  #receive(data: string | Buffer): void {
    if (this.#closeReason !== undefined) return
    try {
      if (typeof data === 'string') this.#receiveText(data)
      else this.#receiveBinary(data)
    } catch (error) {
      if (error instanceof MalformedPacketError) this.close('malformed packet', error.message)
      else this.#listener.fault(this, error)
    }
  }

  #receiveText(text: string): void {
    if (this.#awaited !== undefined) throw new MalformedPacketError('text came where an attachment was announced')
    const header = this.#connected ? readQueueHeader(text) : undefined
    if (header !== undefined) {
      this.#awaited = { header, remaining: 1 }
      return
    }
    const packet = readPacket(text)
    if (packet.type === 'connect') return this.#receiveConnect(packet.namespace)
    if (!this.#connected) throw new MalformedPacketError('the first packet is CONNECT')
    if (packet.namespace !== '/') return this.#discard(packet)
    switch (packet.type) {
      case 'disconnect':
        return this.close('client disconnect')
      case 'event':
        return this.#receiveEvent(packet)
      case 'ack':
        if (packet.attachments > 0) this.#awaited = { header: undefined, remaining: packet.attachments }
        return this.#receiveAck(packet.id, packet.args)
      case 'unreadable':
        return this.#receiveUnreadable(packet)
    }
  }

  #receiveBinary(payload: Buffer): void {
    const awaited = this.#awaited
    if (awaited === undefined) throw new MalformedPacketError('an attachment came that no packet announced')
    if (--awaited.remaining > 0) return
    this.#awaited = undefined
    if (awaited.header !== undefined) {
      this.#listener.stream(this, { kind: 'queue', stream: awaited.header.stream, payload })
    }
  }

  #receiveConnect(namespace: string): void {
    if (namespace !== '/') this.sendText(connectErrorText(namespace, this.protocol))
    else if (this.#connected && this.protocol === 4) throw new MalformedPacketError('CONNECT came twice')
    else if (!this.#connected) this.#connect()
  }

  #connect(): void {
    this.#connected = true
    // An older client has had its CONNECT together with the handshake.
    if (this.protocol === 4) this.sendText(connectText(this.id))
  }

  #receiveEvent(packet: Packet & { type: 'event' }): void {
    const { name, args, attachments } = packet
    const frame = readStreamEvent(name, args, attachments)
    if (attachments > 0) {
      this.#awaited = { header: frame?.kind === 'queue header' ? frame : undefined, remaining: attachments }
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
    if (packet.attachments > 0) this.#awaited = { header: undefined, remaining: packet.attachments }
    this.#counters.drop(packet.reason)
    if (packet.kind === 'ack') {
      // The answer was not read, but it was not the empty one that means yes.
      if (packet.id !== undefined) this.#receiveAck(packet.id, [{}])
      return
    }
    const end = readUnreadableEnd(packet)
    if (end !== undefined) this.#listener.stream(this, end)
    else this.#ack(packet.id)?.(`${WIRE_ERRORS.invalidRequest}: ${packet.reason}`)
  }

  /** Drops a packet that is not for the star. */
  #discard(packet: Packet): void {
    if ('attachments' in packet && packet.attachments > 0) {
      this.#awaited = { header: undefined, remaining: packet.attachments }
    }
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
    this.#awaited = undefined
    this.#counters.close(reason)
    try {
      this.#acks.close()
      this.#listener.end(this, reason)
    } catch (error) {
      this.#listener.fault(this, error)
    }
  }

  #webSocket(): WebSocket | undefined {
    const { transport } = this.#socket
    // engine.io does not type the WebSocket of its transport of that name.
    return transport.name === 'websocket' ? (transport as unknown as { socket: WebSocket }).socket : undefined
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
