import type { ParsedPublicKey, StarAddress } from '@websocket-star/protocol'
import type { Session } from '../transport/session.js'

/** A join in progress for one address of a session. */
export type PendingJoin =
  | { state: 'challenged'; address: StarAddress; key: ParsedPublicKey; nonce: string; expiresAt: number }
  | { state: 'deciding'; address: StarAddress }

/** Registry entry of a session. It takes little memory while the session is idle. */
export class SessionEntry {
  readonly session: Session
  /** Number that names the session in the log. Unlike the session's id, this number is no secret. */
  readonly number: number
  /** Addresses the session joined with, by canonical text, in the order of the joins. */
  readonly addresses = new Map<string, StarAddress>()
  /** Prefix of the addresses that the client is sent: the one of its last join, undefined if that address had no prefix. */
  prefix: string | undefined
  /** Time of the last sweep that found an address or a half, at first of the session's opening, in milliseconds. */
  idleSince: number
  /** Requests of the session in the work queue. */
  queuedRequests = 0
  /** Number of the last broadcast that the client was sent. */
  lastBroadcast = 0
  #pendingJoins: Map<string, PendingJoin> | undefined

  constructor(session: Session, now: number, number = 0) {
    this.number = number
    this.session = session
    this.idleSince = now
  }

  /** Joins in progress, by canonical text of the address. */
  get pendingJoins(): Map<string, PendingJoin> {
    this.#pendingJoins ??= new Map()
    return this.#pendingJoins
  }

  /** Frees memory that is allocated again on demand. */
  tidy(): void {
    if (this.#pendingJoins?.size === 0) this.#pendingJoins = undefined
  }
}
