import type { ParsedPublicKey, StarAddress } from '@websocket-star/protocol'
import { BURST, TokenBucket } from '../pacing/token-bucket.js'
import type { Session } from '../transport/session.js'

/** A join that is under way for one address of one session. */
export type PendingJoin =
  | { state: 'challenged'; address: StarAddress; key: ParsedPublicKey; nonce: string; expiresAt: number }
  | { state: 'deciding'; address: StarAddress }

/** What the star knows of a session. While the session is idle that takes little memory. */
export class Member {
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
  #joinRounds: TokenBucket | undefined

  constructor(session: Session, now: number) {
    this.session = session
    this.idleSince = now
  }

  /** Joins under way, by canonical text. */
  get pending(): Map<string, PendingJoin> {
    this.#pending ??= new Map()
    return this.#pending
  }

  /**
   * Counts a request to join or to leave.
   *
   * @param perSecond - how many it may make on average
   * @returns false if these are too many
   */
  takeJoinRound(now: number, perSecond: number): boolean {
    this.#joinRounds ??= new TokenBucket(perSecond, perSecond * BURST, now)
    return this.#joinRounds.take(now)
  }

  /** Forgets what can be made anew. */
  tidy(now: number): void {
    if (this.#pending?.size === 0) this.#pending = undefined
    if (this.#joinRounds?.isFull(now)) this.#joinRounds = undefined
  }
}
