/**
 * What clients make a server do, apart from the relaying of streams: that is what it is there for, and takes turns instead.
 * Each kind has a price in milliseconds of CPU.
 */
export const PRICES = {
  /** A WebSocket ping or pong, a fragment, or a piece of the body of a request. */
  frame: 0.003,
  /** A packet of engine.io that is no message: it may have an answer. */
  packet: 0.012,
  /** A message that leads nowhere. */
  stray: 0.006,
  /** An event that asks for something, even if it is refused. */
  event: 0.015,
  /** A KiB of a message that has to be parsed as JSON. */
  parsedKiB: 0.01,
  /** An unfinished message that was dropped, for its memory is free only later. */
  unfinished: 50,
  /** A new connection's TLS handshake. */
  tls: 1,
  /** A new session: its HTTP request and the handshake. */
  handshake: 0.3,
  /** An HTTP request that opens no session: a page, a poll, the metrics, whether or not it is refused. */
  request: 0.1,
  /** A request of a join or a leave that is gone into, without the check of a signature. */
  join: 0.1,
  /** The check of a signature, by the type of its key. RSA is that of up to 3,400 bits, and grows with the square. */
  RSA: 0.15,
  Ed25519: 0.3,
  secp256k1: 1.2,
  /** A dial that is gone into, with the question to the peer that is dialled. */
  dial: 0.05
} as const

/** A kind of work that has a price. */
export type WorkKind = keyof typeof PRICES

/** Milliseconds of CPU by kind of work. */
export type WorkDone = Record<WorkKind, number>
