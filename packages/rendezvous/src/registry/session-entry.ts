import type { ParsedPublicKey, StarAddress } from '@websocket-star/protocol'
import type { Session } from '../transport/session.js'

/** A join that is under way for one address of one session. */
export type PendingJoin =
  | { state: 'challenged'; address: StarAddress; key: ParsedPublicKey; nonce: string; expiresAt: number }
  | { state: 'deciding'; address: StarAddress }

/** What the star knows of a session. While the session is idle that takes little memory. */
export class SessionEntry {
  readonly session: Session
  /** The addresses it holds or shares, by canonical text, in the order they were joined. */
  readonly addresses = new Map<string, StarAddress>()
  /** The prefix it is told of others under: the one it joined with last. Undefined if that address had none. */
  prefix: string | undefined
  /** Milliseconds of the server's clock: when it was last seen to hold an address or a stream, or was opened. */
  idleSince: number
  /** Of its requests, how many wait for their turn. */
  waiting = 0
  /** The broadcast it was told of last. */
  told = 0
  #pending: Map<string, PendingJoin> | undefined

  constructor(session: Session, now: number) {
    this.session = session
    this.idleSince = now
  }

  /** Joins under way, by canonical text. */
  get pending(): Map<string, PendingJoin> {
    this.#pending ??= new Map()
    return this.#pending
  }

  /** Forgets what can be made anew. */
  tidy(): void {
    if (this.#pending?.size === 0) this.#pending = undefined
  }
}
