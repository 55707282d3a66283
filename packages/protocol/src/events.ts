import { toHex } from 'multiformats/bytes'
import type { AcceptOptions, DrainNotice, PeersDelta } from './extensions.js'

/**
 * The names of the control events. The wire's own spelling, `ss-incomming` among it, stands here and nowhere else.
 * Up to `peer` they are those of the WebSocketStar protocol; the others are extensions, which a legacy client never
 * hears.
 */
export const EVENTS = {
  join: 'ss-join',
  leave: 'ss-leave',
  dial: 'ss-dial',
  incoming: 'ss-incomming',
  peer: 'ws-peer',
  peers: 'ss-peers',
  taken: 'ss-taken',
  held: 'ss-held',
  drain: 'ss-drain'
} as const

/**
 * Answer to a join. First round with the challenge on: `(null, nonce)`. Success: `(null, null, peers)`, where the second
 * must be null (clients 0.8 and 0.9 break otherwise) and each of `peers` must end in `/ipfs/<peer id>` for legacy
 * clients (they throw otherwise). Failure: `(text)`.
 */
export type JoinAck = (error: string | null, nonce?: string | null, peers?: readonly string[]) => void

/** Answer to a dial, from the server and from the callee: nothing or null on success, a text on failure. */
export type DialAck = (error?: string | null) => void

/** What a client sends, in socket.io's way of typing events. Addresses are multiaddrs as text. */
export interface ClientToServerEvents {
  /** `data`: the public key in the first round, the signature of the nonce in the second, '' without an identity. */
  [EVENTS.join]: (address: string, data: string, ack: JoinAck) => void
  /** The protocol knows no answer to a leave. */
  [EVENTS.leave]: (address: string) => void
  [EVENTS.dial]: (from: string, to: string, dialId: string, ack: DialAck) => void
}

/** What a server sends. */
export interface ServerToClientEvents {
  [EVENTS.incoming]: (dialId: string, from: string, ack: DialAck) => void
  /** A peer is online: sent when it joins and again every 10 s. */
  [EVENTS.peer]: (address: string) => void
  [EVENTS.peers]: (delta: PeersDelta) => void
  /**
   * Another session joined as this client's peer, and is dialled now, or one more did than may share it. The address is
   * the one this client joined with, in its canonical form.
   */
  [EVENTS.taken]: (address: string) => void
  /** The session that had taken this client's peer has left, and this one is dialled again. The address is as above. */
  [EVENTS.held]: (address: string) => void
  [EVENTS.drain]: (notice: DrainNotice) => void
}

/** What every event name of the socket.io-pull-stream protocol begins with. */
export const STREAM_EVENT_PREFIX = 'socket.io-pull-stream.'

/** `accept` and `credit` go from a half's receiver to its sender, `queue` the other way, `error` both ways. */
export type StreamEventKind = 'accept' | 'queue' | 'error' | 'credit'

/** The arguments of each kind of stream event. */
export interface StreamEventArguments {
  /** Nothing from a legacy receiver. */
  accept: [options?: AcceptOptions]
  /** One chunk, as one binary attachment. */
  queue: [chunk: Uint8Array]
  /** The half has ended: `true` is the normal end, a text says what went wrong. */
  error: [reason: true | string]
  /** That many payload bytes more may be sent: an integer from 1 to 2²⁴. */
  credit: [bytes: number]
}

/** `socket.io-pull-stream.<kind>.<stream>` */
export type StreamEventName<Kind extends StreamEventKind = StreamEventKind> =
  `${typeof STREAM_EVENT_PREFIX}${Kind}.${string}`

/** Arguments by event name, for any stream. */
export type StreamEvents = {
  [Kind in StreamEventKind as StreamEventName<Kind>]: StreamEventArguments[Kind]
}

/** The event that speaks of `stream`, which is a dial's half or any name two users of streams agreed on. */
export function streamEventName<Kind extends StreamEventKind>(kind: Kind, stream: string): StreamEventName<Kind> {
  return `${STREAM_EVENT_PREFIX}${kind}.${stream}`
}

/** The inverse of {@link streamEventName}; undefined for any other event, and for an empty stream name. */
export function parseStreamEventName(name: string): { kind: StreamEventKind; stream: string } | undefined {
  if (!name.startsWith(STREAM_EVENT_PREFIX)) return undefined
  const dot = name.indexOf('.', STREAM_EVENT_PREFIX.length)
  if (dot < 0 || dot === name.length - 1) return undefined
  const kind = name.slice(STREAM_EVENT_PREFIX.length, dot)
  if (kind !== 'accept' && kind !== 'queue' && kind !== 'error' && kind !== 'credit') return undefined
  return { kind, stream: name.slice(dot + 1) }
}

/** Longest dial id, in characters. Legacy ids are uuids (36) and nanoids. */
export const DIAL_ID_MAX_LENGTH = 128

const DIAL_ID = /^[A-Za-z0-9_~.:-]+$/

/** Whether this can name a dial: 1 to 128 characters of `A-Z a-z 0-9 _ ~ . : -`. */
export function isDialId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= DIAL_ID_MAX_LENGTH && DIAL_ID.test(value)
}

/** A new id, for a dial or for any stream. Not `crypto.randomUUID`, which pages that came over plain HTTP do not have. */
export function createDialId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)))
}

/** Who sends on a half: the dialer on `<id>.dialer`, the callee on `<id>.listener`. */
export type HalfSide = 'dialer' | 'listener'

/** The stream name of one direction of a dial. */
export function halfName<Side extends HalfSide>(dialId: string, side: Side): `${string}.${Side}` {
  return `${dialId}.${side}`
}

/** The inverse of {@link halfName}; undefined for a stream that belongs to no dial. */
export function parseHalfName(stream: string): { dialId: string; side: HalfSide } | undefined {
  const dot = stream.lastIndexOf('.')
  const side = stream.slice(dot + 1)
  if (dot < 0 || (side !== 'dialer' && side !== 'listener')) return undefined
  const dialId = stream.slice(0, dot)
  return isDialId(dialId) ? { dialId, side } : undefined
}
