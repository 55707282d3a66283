import type { ParsedPublicKey, StarAddress } from '@websocket-star/protocol'
import type { Session } from '../wire/session.js'
import type { TokenBucket } from './token-bucket.js'

/** Bytes unsent to a client above which it is told nothing of others. */
export const SLOW_FROM = 262_144

/** A join that is under way for one address of one session. */
export type PendingJoin =
  | { state: 'challenged'; address: StarAddress; key: ParsedPublicKey; nonce: string; expiresAt: number }
  | { state: 'deciding'; address: StarAddress }

/** What the star knows of a session. */
export interface Member {
  readonly session: Session
  /** The addresses it holds or shares, by canonical text, in the order they were joined. */
  readonly addresses: Map<string, StarAddress>
  /** Joins under way, by canonical text. */
  readonly pending: Map<string, PendingJoin>
  readonly joinRounds: TokenBucket
  /** The prefix it is told of others under: the one it joined with last. Undefined if that address had none. */
  prefix: string | undefined
  /** Milliseconds of the server's clock: when it was last seen to hold an address or a stream, or was opened. */
  idleSince: number
}
