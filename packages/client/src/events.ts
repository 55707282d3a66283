import type { Connection } from './connection.js'
import type { StarPeer } from './star-peer.js'

/**
 * What a client has to do with one server.
 *
 * - `connecting`: an attempt is under way
 * - `joined`: peers can be found and dialled there, and this client is
 * - `taken`: connected, but another connection with the same key holds the peer: that one is dialled
 * - `waiting`: the last attempt failed, or the connection was lost; the next is at `retryAt`
 * - `left`: there will be no more attempts
 */
export type ServerState = 'connecting' | 'joined' | 'taken' | 'waiting' | 'left'

export interface ServerStatus {
  /** `https://…` or `http://…` */
  readonly url: string
  /** This client's addresses there, in canonical form: those that are joined now. */
  readonly addresses: readonly string[]
  readonly state: ServerState
  /** Why it is not joined, if something went wrong. */
  readonly error: Error | undefined
  /** When the next attempt begins, in milliseconds since 1970, while it waits. */
  readonly retryAt: number | undefined
  /** Limits the server announced, by name; undefined for one that announces none. */
  readonly limits: Readonly<Record<string, number>> | undefined
}

/** What a client tells of. The names are DOM events', so that `addEventListener` takes a signal. */
export interface StarEvents {
  /** Somebody is there. */
  'peer:joined': CustomEvent<StarPeer>
  /** Somebody can be dialled at other addresses than before. */
  'peer:changed': CustomEvent<StarPeer>
  /** Somebody is on no server any more. */
  'peer:left': CustomEvent<StarPeer>
  /** A server's status has changed. */
  'server:status': CustomEvent<ServerStatus>
  /** A handler threw, or rejected: its connection was ended. */
  'handler:error': CustomEvent<{ connection: Connection; error: unknown }>
  /** A server goes down in a while: the client connects anew by itself, streams may finish until then. */
  'server:drain': CustomEvent<{ url: string; afterMs: number }>
}
