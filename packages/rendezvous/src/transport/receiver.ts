import { randomUUID } from 'node:crypto'
import { parseConnectRequest, WIRE_ERRORS } from '@websocket-star/protocol'
import type { Socket } from 'engine.io'
import {
  ackText,
  connectErrorText,
  connectText,
  MalformedPacketError,
  readPacket,
  type AnnouncedLimits,
  type Packet
} from '../codec/packet.js'
import { readQueueHeader, readStreamEvent, readUnreadableEvent, type StreamFrame } from '../codec/stream-frame.js'
import type { FlowControl } from '../relay/flow-control.js'
import type { Half } from '../relay/half.js'
import type { Router } from '../relay/router.js'
import type { Counters, DropReason } from '../stats.js'
import { detachMessageListener, webSocketOf } from './engine-internals.js'
import { frameInputOf } from './frame-input.js'
import { MESSAGE_BYTE } from './link.js'
import type { Session } from './session.js'

/** Answers a client's request; further calls are ignored. */
export type Ack = (...args: unknown[]) => void

export interface ReceiverContext {
  readonly router: Router
  readonly flow: FlowControl
  readonly counters: Counters
  /** Sent to extended clients. */
  readonly limits: AnnouncedLimits
  /** Called with each event that belongs to no stream. */
  readonly onRequest: (session: Session, name: string, args: unknown[], ack: Ack | undefined) => void
  readonly onFault: (error: unknown) => void
}

const NO_HEADER = Buffer.alloc(0)
/** Characters above which the parsing of a message is charged. */
const LONG_TEXT = 1_024
const MESSAGE = 0x34 // '4'
const PING = 0x32 // '2'
const BASE64 = 0x62 // 'b'
const BINARY_EVENT = 0x35 // '5'

/** Reads a client's packets. Chunks and other stream frames go to the router, requests to the star. */
export class Receiver {
  readonly #session: Session
  readonly #context: ReceiverContext
  /** Announced attachments that have not arrived. */
  #attachments = 0
  /** Half that the next attachment goes to; undefined if the attachment is dropped. */
  #half: Half | undefined
  /** Last header and its half. The chunks of one stream often follow each other. */
  #lastHeader: Buffer = NO_HEADER
  #lastHalf: Half | undefined
  #connected = false
  /** Name of the stream whose chunk was refused last. */
  #refused: string | undefined

  constructor(session: Session, socket: Socket, context: ReceiverContext) {
    this.#session = session
    this.#context = context
    socket.on('message', (data: string | Buffer | undefined) => {
      session.link.recordActivity()
      if (Buffer.isBuffer(data)) this.#binary(data, 0)
      // engine.io reports an empty message as undefined.
      else this.#text(data ?? '')
    })
    if (webSocketOf(socket) !== undefined && session.link.isDirect) {
      this.#readDirectly(socket)
      return
    }
    const charge = ({ type }: { type: string }) => {
      if (type !== 'message') session.account.charge('packet')
    }
    socket.on('packet', charge)
    socket.once('upgrade', () => {
      if (!session.link.isDirect) return
      socket.off('packet', charge)
      this.#readDirectly(socket)
    })
  }

  /** Connects a client of revision 3, which sends no CONNECT. */
  start(): void {
    if (this.#session.protocol === 3) this.#connect()
  }

  /** Reads binary events from a WebSocket directly. engine.io still gets all other messages. */
  #readDirectly(socket: Socket): void {
    const webSocket = webSocketOf(socket)
    if (webSocket === undefined) return
    const engineListener = detachMessageListener(webSocket)
    const isRevision3 = this.#session.protocol === 3
    const input = frameInputOf(webSocket)
    if (input !== undefined) input.pongSender = this
    webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#session.link.recordActivity()
      if (isBinary) {
        if (!isRevision3) return this.#binary(data, 0)
        if (data[0] === MESSAGE_BYTE) return this.#binary(data, 1)
      } else if (data[1] === BINARY_EVENT && data[0] === MESSAGE && this.#header(data)) {
        return
      }
      if (!isBinary && data[0] !== MESSAGE && data[0] !== BASE64) {
        this.#session.account.charge('packet')
        // One pong serves all pings that arrived together.
        if (isRevision3 && data[0] === PING && data.length === 1 && input?.markAnswered() === true) return
      }
      engineListener(data, isBinary)
    })
  }

  pong(data: Buffer): void {
    this.#session.link.answerPing(data)
    this.#context.flow.requested(this.#session)
  }

  /** Reads a text message. A malformed message closes the session. Never throws. */
  #text(text: string): void {
    if (this.#session.closing) return
    try {
      this.#read(text)
      this.#context.flow.requested(this.#session)
    } catch (error) {
      if (error instanceof MalformedPacketError) this.#session.close('malformed packet', error.message)
      else this.#context.onFault(error)
    }
  }

  /** Reads a chunk's header without parsing JSON. A repeated header is not even looked up. @returns false if it is none */
  #header(bytes: Buffer): boolean {
    if (this.#session.closing) return true
    if (!this.#connected || this.#attachments > 0) return false
    let half = this.#lastHalf
    let stream = half?.stream
    if (half === undefined || half.ended || !this.#lastHeader.equals(bytes)) {
      const header = readQueueHeader(bytes.toString('latin1', 1))
      if (header === undefined) return false
      ;({ stream } = header)
      half = this.#find(stream)
      // A copy, since a slice would keep the whole read in memory.
      this.#lastHeader = Buffer.from(bytes)
      this.#lastHalf = half
    }
    this.#awaitChunk(half, stream)
    return true
  }

  #find(stream: string): Half | undefined {
    return this.#context.router.find(this.#session, stream)
  }

  #awaitChunk(half: Half | undefined, stream = ''): void {
    if (half === undefined) {
      this.#drop('unknown stream')
      this.#refuseChunk(stream)
    }
    this.#half = half
    this.#attachments = 1
  }

  /**
   * Tells an extended sender that its stream does not exist, because the sender may be waiting for credit. Legacy senders would
   * ignore the answer. Of several chunks of one stream in a row, only the first is answered.
   */
  #refuseChunk(stream: string): void {
    if (!this.#session.extended || stream === this.#refused) return
    this.#refused = stream
    this.#refuse(stream, WIRE_ERRORS.unknownStream)
  }

  #refuse(stream: string, reason: true | string): void {
    this.#session.account.charge('event')
    this.#session.sendError(stream, reason)
    this.#context.flow.requested(this.#session)
  }

  #drop(reason: DropReason): void {
    this.#context.counters.drop(reason)
    this.#session.account.charge('stray')
  }

  /** Drops the next attachments. */
  #skipAttachments(count: number): void {
    this.#half = undefined
    this.#attachments = count
  }

  #read(text: string): void {
    if (this.#attachments > 0) throw new MalformedPacketError('text came where an attachment was announced')
    const header = this.#connected ? readQueueHeader(text) : undefined
    if (header !== undefined) return this.#awaitChunk(this.#find(header.stream), header.stream)
    if (text.length > LONG_TEXT) this.#session.account.charge('parsedKiB', text.length / 1_024)
    const packet = readPacket(text)
    if (packet.type === 'connect') return this.#receiveConnect(packet.namespace, packet.auth)
    if (!this.#connected) throw new MalformedPacketError('the first packet is CONNECT')
    if (packet.namespace !== '/') return this.#discard(packet)
    switch (packet.type) {
      case 'disconnect':
        return this.#session.close('client disconnect')
      case 'event':
        return this.#receiveEvent(packet)
      case 'ack':
        this.#skipAttachments(packet.attachments)
        return this.#receiveAck(packet.id, packet.args)
      case 'unreadable':
        return this.#receiveUnreadable(packet)
    }
  }

  /** Reads an attachment whose payload begins at `offset`. */
  #binary(bytes: Buffer, offset: number): void {
    if (this.#session.closing) return
    if (this.#attachments === 0)
      return this.#session.close('malformed packet', 'an attachment came that no packet announced')
    if (--this.#attachments > 0 || this.#half === undefined) return
    const half = this.#half
    this.#half = undefined
    try {
      if (!this.#context.router.chunk(half, this.#session, bytes, offset)) this.#session.account.charge('stray')
    } catch (error) {
      this.#context.onFault(error)
    }
  }

  #receiveConnect(namespace: string, auth: unknown): void {
    this.#session.account.charge('event')
    if (namespace !== '/') this.#session.sendText(connectErrorText(namespace, this.#session.protocol))
    else if (this.#connected && this.#session.protocol === 4) throw new MalformedPacketError('CONNECT came twice')
    else if (!this.#connected) this.#connect(auth)
  }

  /** @param auth - sent with CONNECT by socket.io 5 clients */
  #connect(auth?: unknown): void {
    this.#connected = true
    // Revision 3 got its CONNECT packet with the handshake.
    if (this.#session.protocol === 3) return
    const { limits } = this.#context
    this.#session.requestedPeers = parseConnectRequest(auth)?.peers
    // Knowing engine.io's session id is enough to poll the session, so the public id of socket.io differs.
    this.#session.sendText(connectText(randomUUID(), this.#session.extended ? limits : undefined))
  }

  #receiveEvent(packet: Packet & { type: 'event' }): void {
    const { name, args, attachments } = packet
    const frame = readStreamEvent(name, args, attachments)
    if (attachments > 0) {
      if (frame?.kind === 'queue header') return this.#awaitChunk(this.#find(frame.stream), frame.stream)
      this.#skipAttachments(attachments)
    }
    if (frame !== undefined) {
      if (frame.kind !== 'queue header') this.#route(frame)
    } else if (attachments > 0) {
      this.#drop('attachment')
      this.#ack(packet.id)?.(WIRE_ERRORS.invalidRequest)
    } else {
      this.#session.account.charge('event')
      this.#context.onRequest(this.#session, name, args, this.#ack(packet.id))
    }
  }

  #route(frame: StreamFrame): void {
    const { kind, stream } = frame
    if (this.#context.router.route(this.#session, frame)) return
    this.#session.account.charge('stray')
    if ((kind !== 'accept' && kind !== 'bad chunk') || this.#find(stream) !== undefined) return
    if (kind === 'bad chunk') this.#refuseChunk(stream)
    // A legacy receiver gets a normal end, because an error ends some old applications.
    else this.#refuse(stream, this.#session.extended ? WIRE_ERRORS.unknownStream : true)
  }

  #receiveAck(id: number, args: unknown[]): void {
    if (!this.#session.acknowledged(id, args)) this.#drop('ack without request')
  }

  #receiveUnreadable(packet: Packet & { type: 'unreadable' }): void {
    this.#skipAttachments(packet.attachments)
    this.#drop(packet.reason)
    if (packet.kind === 'ack') {
      // Only an empty answer means yes. This one was too large to read, so any other answer stands for it.
      if (packet.id !== undefined) this.#receiveAck(packet.id, [{}])
      return
    }
    const end = readUnreadableEvent(packet)
    if (end !== undefined) this.#route(end)
    else this.#ack(packet.id)?.(`${WIRE_ERRORS.invalidRequest}: ${packet.reason}`)
  }

  /** Drops a packet for another namespace. */
  #discard(packet: Packet): void {
    if ('attachments' in packet) this.#skipAttachments(packet.attachments)
    this.#drop('namespace')
  }

  #ack(id: number | undefined): Ack | undefined {
    if (id === undefined) return undefined
    let answered = false
    return (...args) => {
      if (answered) return
      answered = true
      this.#session.sendText(ackText(id, args))
    }
  }
}
