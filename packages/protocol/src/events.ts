import { toHex } from 'multiformats/bytes'
import type { AcceptOptions, DrainNotice, PeersDelta } from './extensions.js'

/** The control events. Those from `peers` on are extensions, which legacy clients do not receive. */
export const EVENTS = {
  join: 'ss-join',
  leave: 'ss-leave',
  dial: 'ss-dial',
  incoming: 'ss-incomming',
  peer: 'ws-peer',
  peers: 'ss-peers',
  taken: 'ss-taken',
  held: 'ss-held',
  drain: 'ss-drain',
  sync: 'ss-sync'
} as const

/**
 * Answers a join. First round with the challenge on: `(null, nonce)`. Success: `(null, null, peers)`; the null is required by
 * clients 0.8 and 0.9, and legacy clients need `/ipfs/<peer id>` at the end of each address. Failure: `(text)`.
 */
export type JoinAck = (error: string | null, nonce?: string | null, peers?: readonly string[]) => void

/** Answers a dial, from the server or the callee: nothing or null on success, a text on failure. */
export type DialAck = (error?: string | null) => void

/** The control events of clients, typed for socket.io. Addresses are multiaddrs. */
export interface ClientToServerEvents {
  /** `data`: the public key in the first round, the signature of the nonce in the second, '' without an identity. */
  [EVENTS.join]: (address: string, data: string, ack: JoinAck) => void
  [EVENTS.leave]: (address: string) => void
  [EVENTS.dial]: (from: string, to: string, dialId: string, ack: DialAck) => void
  /** Is acknowledged once everything that the client sent before has arrived. Clients ask only servers that speak the extensions. */
  [EVENTS.sync]: (ack: () => void) => void
}

export interface ServerToClientEvents {
  [EVENTS.incoming]: (dialId: string, from: string, ack: DialAck) => void
  /** Announces a peer, when it joins and every 10 s. */
  [EVENTS.peer]: (address: string) => void
  [EVENTS.peers]: (delta: PeersDelta) => void
  /** Takeover: another session is now the owner of this client's (canonical) address. */
  [EVENTS.taken]: (address: string) => void
  /** This session is the owner of its address again, because the other one has left. */
  [EVENTS.held]: (address: string) => void
  [EVENTS.drain]: (notice: DrainNotice) => void
}

export const STREAM_EVENT_PREFIX = 'socket.io-pull-stream.'

/** A half's receiver sends `accept` and `credit`, its sender `queue`, and both send `error`. */
export type StreamEventKind = 'accept' | 'queue' | 'error' | 'credit'

export interface StreamEventArguments {
  /** Legacy receivers send no options. */
  accept: [options?: AcceptOptions]
  /** One binary attachment. */
  queue: [chunk: Uint8Array]
  /** Ends the half: `true` normally, a text with the reason of a failure. */
  error: [reason: true | string]
  /** Further payload bytes that may be sent: an integer from 1 to 2²⁴. */
  credit: [bytes: number]
}

/** `socket.io-pull-stream.<kind>.<stream>` */
export type StreamEventName<Kind extends StreamEventKind = StreamEventKind> =
  `${typeof STREAM_EVENT_PREFIX}${Kind}.${string}`

export type StreamEvents = {
  [Kind in StreamEventKind as StreamEventName<Kind>]: StreamEventArguments[Kind]
}

/** @param stream - the name of a dial's half, or any name that both sides agreed on */
export function streamEventName<Kind extends StreamEventKind>(kind: Kind, stream: string): StreamEventName<Kind> {
  return `${STREAM_EVENT_PREFIX}${kind}.${stream}`
}

/** Parses the result of {@link streamEventName}. Returns undefined for other events and for an empty stream name. */
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

/** Accepts 1 to 128 characters of `A-Z a-z 0-9 _ ~ . : -`. */
export function isDialId(value: unknown): value is string {
  return typeof value === 'string' && value.length <= DIAL_ID_MAX_LENGTH && DIAL_ID.test(value)
}

/** Creates an id for a dial or a stream, without `crypto.randomUUID`, which pages loaded over plain HTTP do not have. */
export function createDialId(): string {
  return toHex(crypto.getRandomValues(new Uint8Array(16)))
}

/** The sender of a half: the dialer sends on `<id>.dialer`, the callee on `<id>.listener`. */
export type HalfSide = 'dialer' | 'listener'

export function halfName<Side extends HalfSide>(dialId: string, side: Side): `${string}.${Side}` {
  return `${dialId}.${side}`
}

/** Parses the result of {@link halfName}. Returns undefined for streams that are not halves. */
export function parseHalfName(stream: string): { dialId: string; side: HalfSide } | undefined {
  const dot = stream.lastIndexOf('.')
  const side = stream.slice(dot + 1)
  if (dot < 0 || (side !== 'dialer' && side !== 'listener')) return undefined
  const dialId = stream.slice(0, dot)
  return isDialId(dialId) ? { dialId, side } : undefined
}
