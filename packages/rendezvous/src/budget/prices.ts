/** Prices of the work that clients cause, in milliseconds of CPU. Relaying is free: the fair queue limits it. */
export const PRICES = {
  /** WebSocket ping or pong, fragment, or piece of a request body. */
  frame: 0.003,
  /** engine.io packet other than a message: it may cause a reply. */
  packet: 0.012,
  /** Message that belongs to no stream or request. */
  stray: 0.006,
  /** Event that requests something, even if it is rejected. */
  event: 0.015,
  /** KiB of a message whose JSON is parsed. */
  parsedKiB: 0.01,
  /** Unfinished message that was dropped. Its memory is freed later. */
  unfinished: 50,
  tls: 1,
  /** HTTP request and handshake of a new session. */
  handshake: 0.3,
  /** Any other HTTP request, even if it is rejected: page, poll, metrics. */
  request: 0.1,
  /** Join or leave request that is processed, without the signature check. */
  join: 0.1,
  /** Signature check by key type. RSA is for up to 3,400 bits and grows with the square. */
  RSA: 0.15,
  Ed25519: 0.3,
  secp256k1: 1.2,
  /** Dial that is processed, including the request to the callee. */
  dial: 0.05
} as const

export type WorkKind = keyof typeof PRICES

/** Milliseconds of CPU by kind of work. */
export type WorkDone = Record<WorkKind, number>
