import { parseConnectRequest, WIRE_ERRORS, type PeersWanted } from '@websocket-star/protocol'
import type { Counters } from '../stats.js'
import type { AckTable } from './acks.js'
import {
  ackText,
  connectErrorText,
  connectText,
  MalformedPacketError,
  readPacket,
  type Limits,
  type Packet
} from '../codec/packet.js'
import type { Ack, Session, SessionListener } from './session.js'
import { readQueueHeader, readStreamEvent, readUnreadableEvent } from '../codec/stream-frame.js'

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

const NO_HEADER = Buffer.alloc(0)

/** Where a client's messages enter: it puts packets and their attachments together, and tells each to whom it concerns. */
export class Receiver {
  readonly #session: Session
  readonly #acks: AckTable
  readonly #listener: SessionListener
  readonly #counters: Counters
  readonly #limits: Limits
  /** Attachments that were announced and have not come. */
  #attachments = 0
  /** Where the attachment goes; undefined when it is to be thrown away. */
  #route: StreamRoute | undefined
  /** The header that came last and where it led: one stream's chunks often come in a row. */
  #lastHeader: Buffer = NO_HEADER
  #lastRoute: StreamRoute | undefined
  #connected = false
  /** What a client that knows the extensions wants to hear of others. */
  #wanted: PeersWanted | undefined

  /** @param limits - told to clients that know the extensions */
  constructor(session: Session, acks: AckTable, listener: SessionListener, counters: Counters, limits: Limits) {
    this.#session = session
    this.#acks = acks
    this.#listener = listener
    this.#counters = counters
    this.#limits = limits
  }

  /** See {@link Session.extended}. */
  get extended(): boolean {
    return this.#wanted !== undefined
  }

  /** See {@link Session.peers}. */
  get peers(): PeersWanted {
    return this.#wanted ?? 'windows'
  }

  /** A text message. Nothing that a client sends gets past here as an exception. */
  text(text: string): void {
    if (this.#session.closing) return
    try {
      this.#read(text)
      this.#listener.asked(this.#session)
    } catch (error) {
      if (error instanceof MalformedPacketError) this.#session.close('malformed packet', error.message)
      else this.#listener.fault(this.#session, error)
    }
  }

  /**
   * The way of a chunk's header: no JSON is parsed, and for the stream of the last one nothing is looked up.
   *
   * @param bytes - a text message of engine.io
   * @returns false if it is something else
   */
  header(bytes: Buffer): boolean {
    if (this.#session.closing) return true
    if (!this.#connected || this.#attachments > 0) return false
    let route = this.#lastRoute
    if (route === undefined || route.ended || !this.#lastHeader.equals(bytes)) {
      const header = readQueueHeader(bytes.toString('latin1', 1))
      if (header === undefined) return false
      route = this.#session.routes.get(header.stream)
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

  #read(text: string): void {
    if (this.#attachments > 0) throw new MalformedPacketError('text came where an attachment was announced')
    const header = this.#connected ? readQueueHeader(text) : undefined
    if (header !== undefined) return this.#awaitChunk(this.#session.routes.get(header.stream))
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

  /** An attachment; its payload begins at `offset`. */
  binary(bytes: Buffer, offset: number): void {
    if (this.#session.closing) return
    if (this.#attachments === 0)
      return this.#session.close('malformed packet', 'an attachment came that no packet announced')
    if (--this.#attachments > 0 || this.#route === undefined) return
    const route = this.#route
    this.#route = undefined
    try {
      route.chunk(this.#session, bytes, offset)
    } catch (error) {
      this.#listener.fault(this.#session, error)
    }
  }

  #receiveConnect(namespace: string, auth: unknown): void {
    if (namespace !== '/') this.#session.sendText(connectErrorText(namespace, this.#session.protocol))
    else if (this.#connected && this.#session.protocol === 4) throw new MalformedPacketError('CONNECT came twice')
    else if (!this.#connected) this.connect(auth)
  }

  /** @param auth - what a socket.io 5 client sent with its CONNECT packet */
  connect(auth?: unknown): void {
    this.#connected = true
    // An older client has had its CONNECT together with the handshake.
    if (this.#session.protocol === 3) return
    this.#wanted = parseConnectRequest(auth)?.peers
    this.#session.sendText(connectText(this.#session.id, this.extended ? this.#limits : undefined))
  }

  #receiveEvent(packet: Packet & { type: 'event' }): void {
    const { name, args, attachments } = packet
    const frame = readStreamEvent(name, args, attachments)
    if (attachments > 0) {
      if (frame?.kind === 'queue header') return this.#awaitChunk(this.#session.routes.get(frame.stream))
      this.#skipAttachments(attachments)
    }
    if (frame !== undefined) {
      if (frame.kind !== 'queue header') this.#listener.stream(this.#session, frame)
    } else if (attachments > 0) {
      this.#counters.drop('attachment')
      this.#ack(packet.id)?.(WIRE_ERRORS.invalidRequest)
    } else {
      this.#listener.event(this.#session, name, args, this.#ack(packet.id))
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
    if (end !== undefined) this.#listener.stream(this.#session, end)
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
      this.#session.sendText(ackText(id, args))
    }
  }

  /** Nothing more comes: what it still refers to may be freed. */
  reset(): void {
    this.#route = undefined
    this.#lastRoute = undefined
  }
}
