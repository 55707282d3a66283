import { EXTENSIONS_VERSION, type ConnectAnswer } from '@websocket-star/protocol'
import { Decoder, Encoder, PacketType, type Packet as SocketIoPacket } from 'socket.io-parser'

/** Limits of the server that extended clients are told. */
export type AnnouncedLimits = ConnectAnswer['websocketStar']['limits']

/** Message that is no socket.io packet. The session that sent it is closed. */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError'
}

/** socket.io packet of a client, as far as it was safe to read. */
export type Packet =
  | { type: 'connect'; namespace: string; auth: unknown }
  | { type: 'disconnect'; namespace: string }
  | { type: 'event'; namespace: string; id: number | undefined; attachments: number; name: string; args: unknown[] }
  | { type: 'ack'; namespace: string; id: number; attachments: number; args: unknown[] }
  | UnreadablePacket

/** Packet whose JSON is too large or too deep to parse. Its envelope is known, so that it can be answered. */
export interface UnreadablePacket {
  type: 'unreadable'
  kind: 'event' | 'ack'
  namespace: string
  id: number | undefined
  attachments: number
  reason: 'oversized packet' | 'too deep'
  text: string
}

/** Largest packet whose JSON is parsed, in characters: eight times what the largest join needs. */
const TEXT_MAX_LENGTH = 65_536
/** Deepest JSON that is parsed; clients send three levels. */
const MAX_DEPTH = 16
/** Limit of socket.io; the protocol needs one. */
const MAX_ATTACHMENTS = 10

/** Longer ids would lose digits as a number. */
const MAX_ID_DIGITS = 15

const ENVELOPE = /^([0-6])(?:(\d{1,2})-)?(?:\/[^,]*,)?(\d*)/
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const QUOTE = 0x22
const BACKSLASH = 0x5c

// Shared by all sessions: it only decodes packets without attachments, which leave no state behind.
const decoder = new Decoder()
const encoder = new Encoder()
let decoded: SocketIoPacket | undefined
decoder.on('decoded', (packet: SocketIoPacket) => {
  decoded = packet
})

/**
 * Parses a socket.io packet after checking size and depth. Attachments stay placeholders. @throws
 * {MalformedPacketError}
 */
export function readPacket(text: string): Packet {
  const envelope = ENVELOPE.exec(text)
  if (envelope === null) throw new MalformedPacketError('not a socket.io packet')
  const type: PacketType = Number(envelope[1])
  const binary = type === PacketType.BINARY_EVENT || type === PacketType.BINARY_ACK
  const attachments = envelope[2] === undefined ? 0 : Number(envelope[2])
  if (binary !== (envelope[2] !== undefined) || (binary && (attachments < 1 || attachments > MAX_ATTACHMENTS))) {
    throw new MalformedPacketError(`a binary packet carries 1 to ${MAX_ATTACHMENTS} attachments`)
  }
  const namespace = namespaceOf(text)
  const digits = envelope[3] ?? ''
  if (digits.length > MAX_ID_DIGITS) throw new MalformedPacketError('the id of a packet is too long')
  const id = digits === '' ? undefined : Number(digits)

  const reason =
    text.length > TEXT_MAX_LENGTH ? 'oversized packet' : exceedsDepth(text, envelope[0].length) ? 'too deep' : undefined
  if (reason !== undefined) {
    if (type === PacketType.EVENT || type === PacketType.BINARY_EVENT) {
      return { type: 'unreadable', kind: 'event', namespace, id, attachments, reason, text }
    }
    if (type === PacketType.ACK || type === PacketType.BINARY_ACK) {
      return { type: 'unreadable', kind: 'ack', namespace, id, attachments, reason, text }
    }
    throw new MalformedPacketError(`${reason}: packet of type ${type}`)
  }

  const packet = decode(binary ? `${type - 3}${text.slice(text.indexOf('-') + 1)}` : text)
  switch (packet.type) {
    case PacketType.CONNECT:
      return { type: 'connect', namespace, auth: packet.data }
    case PacketType.DISCONNECT:
      return { type: 'disconnect', namespace }
    case PacketType.EVENT: {
      const [name, ...args] = argumentsOf(packet)
      if (typeof name !== 'string') throw new MalformedPacketError('the name of an event is a string')
      return { type: 'event', namespace, id, attachments, name, args }
    }
    case PacketType.ACK:
      if (id === undefined) throw new MalformedPacketError('an acknowledgement names the request it answers')
      return { type: 'ack', namespace, id, attachments, args: argumentsOf(packet) }
    default:
      throw new MalformedPacketError(`packets of type ${packet.type} go from the server to a client only`)
  }
}

export function eventText(name: string, args: readonly unknown[], id?: number): string {
  return encodeText({ type: PacketType.EVENT, nsp: '/', data: [name, ...args], ...(id === undefined ? {} : { id }) })
}

export function ackText(id: number, args: readonly unknown[]): string {
  return encodeText({ type: PacketType.ACK, nsp: '/', data: [...args], id })
}

/** Encodes the answer to CONNECT of socket.io 5. @param limits - undefined for clients that are not extended */
export function connectText(sid: string, limits: AnnouncedLimits | undefined): string {
  const answer: ConnectAnswer | { sid: string } =
    limits === undefined ? { sid } : { sid, websocketStar: { version: EXTENSIONS_VERSION, limits } }
  return encodeText({ type: PacketType.CONNECT, nsp: '/', data: answer })
}

/** Rejects a namespace in the format of the client's revision. */
export function connectErrorText(namespace: string, protocol: 3 | 4): string {
  const message = 'Invalid namespace'
  return encodeText({ type: PacketType.CONNECT_ERROR, nsp: namespace, data: protocol === 3 ? message : { message } })
}

function encodeText(packet: SocketIoPacket): string {
  return (encoder.encode(packet) as [string])[0] // no packet of ours holds binary, so it is one text
}

function decode(text: string): SocketIoPacket {
  decoded = undefined
  try {
    decoder.add(text)
  } catch (error) {
    throw new MalformedPacketError(error instanceof Error ? error.message : String(error), { cause: error })
  }
  if (decoded === undefined) throw new MalformedPacketError('incomplete packet')
  return decoded
}

/** socket.io's decoder accepts packets without JSON. */
function argumentsOf(packet: SocketIoPacket): unknown[] {
  if (!Array.isArray(packet.data)) throw new MalformedPacketError('the arguments are an array')
  return packet.data
}

/** Returns the namespace without the query that socket.io 2 clients append. */
function namespaceOf(text: string): string {
  return /^[0-6](?:\d{1,2}-)?(\/[^,?]*)/.exec(text)?.[1] ?? '/'
}

/** Returns whether JSON nests deeper than {@link MAX_DEPTH}. Brackets in strings do not count. */
function exceedsDepth(text: string, start: number): boolean {
  let depth = 0
  for (let i = start; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (++depth > MAX_DEPTH) return true
        break
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth--
        break
      case QUOTE:
        for (i++; i < text.length && text.charCodeAt(i) !== QUOTE; i++) {
          if (text.charCodeAt(i) === BACKSLASH) i++
        }
        break
    }
  }
  return false
}
