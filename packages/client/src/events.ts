import type { Connection } from './connection.js'
import type { StarPeer } from './star-peer.js'

/**
 * The state of one server.
 *
 * - `connecting`: an attempt is in progress
 * - `joined`: this client can dial peers there, and be dialled
 * - `taken-over`: connected, but another client with the same key receives the dials
 * - `waiting`: the last attempt failed or the connection was lost; the next attempt begins at `retryAt`
 * - `left`: there will be no more attempts
 */
export type ServerState = 'connecting' | 'joined' | 'taken-over' | 'waiting' | 'left'

/**
 * The state of a client, which is that of its best server.
 *
 * - `joined`: at least one server is joined
 * - `taken-over`: none is joined, and on at least one of them another client with the same key receives the dials
 * - `connecting`: no server can be reached at the moment, so nothing that is sent reaches anyone. The client keeps trying
 * - `left`: there is no server: `join` was not called, all servers were left, or the client is closed
 */
export type ClientState = 'joined' | 'taken-over' | 'connecting' | 'left'

export interface ServerStatus {
  /** `https://…` or `http://…`, with the path of the server's mount point and without credentials */
  readonly url: string
  /** Addresses under which this client is joined there, in canonical form. */
  readonly addresses: readonly string[]
  readonly state: ServerState
  /** Why the last attempt failed, or the connection was lost; undefined once joined. */
  readonly error: Error | undefined
  /** Start of the next attempt, in milliseconds since 1970, in the state `waiting`. */
  readonly retryAt: number | undefined
  /** Limits that the server announced, by name; undefined if it announces none. */
  readonly limits: Readonly<Record<string, number>> | undefined
}

/** The events of a client, by name. */
export interface StarEvents {
  'peer:joined': CustomEvent<StarPeer>
  /** The addresses of a peer changed. */
  'peer:changed': CustomEvent<StarPeer>
  /** A peer has left the last server it was on. */
  'peer:left': CustomEvent<StarPeer>
  'server:status': CustomEvent<ServerStatus>
  /** The state of the client changed, such as when its last server was lost. */
  'client:state': CustomEvent<ClientState>
  /** The handler of a connection threw or rejected; the connection was aborted. */
  'handler:error': CustomEvent<{ connection: Connection; error: unknown }>
  /** A server will shut down. The client reconnects by itself; open streams have `afterMs` milliseconds to finish. */
  'server:drain': CustomEvent<{ url: string; afterMs: number }>
}

/** Returns the state of a client with these servers. */
export function clientStateOf(servers: readonly ServerStatus[]): ClientState {
  const states = new Set(servers.map(({ state }) => state))
  if (states.has('joined')) return 'joined'
  if (states.has('taken-over')) return 'taken-over'
  return states.has('connecting') || states.has('waiting') ? 'connecting' : 'left'
}
