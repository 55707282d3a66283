/** Why a request was answered with an error. */
export type RefusalReason =
  | 'address'
  | 'address in use'
  | 'address limit'
  | 'admin token'
  | 'busy'
  | 'challenge required'
  | 'connections per ip'
  | 'crypto'
  | 'dial id'
  | 'dial limit'
  | 'dial refused'
  | 'dial timeout'
  | 'host'
  | 'id mismatch'
  | 'join left'
  | 'jsonp'
  | 'no files left'
  | 'node unreachable'
  | 'not authorized'
  | 'origin'
  | 'own peer'
  | 'peer left'
  | 'peer not found'
  | 'prefix limit'
  | 'public address'
  | 'rate limit'
  | 'request'
  | 'sessions per ip'
  | 'signature'
  | 'status pages'
  | 'stopping'
  | 'stream limit'
  | 'stream limit of callee'
  | 'stream reset'
  | 'unaccepted limit'
  | 'unknown event'

/** Why a frame went nowhere. */
export type DropReason =
  | 'ack without request'
  | 'attachment'
  | 'credit without window'
  | 'foreign stream'
  | 'namespace'
  | 'oversized packet'
  | 'repeated accept'
  | 'too deep'
  | 'unknown event'
  | 'unknown stream'

/** Why a session ended. */
export type CloseReason =
  | 'backlog'
  | 'client disconnect'
  | 'flood'
  | 'heartbeat timeout'
  | 'join deadline'
  | 'malformed packet'
  | 'operator'
  | 'server stop'
  | 'stalled'
  | 'transport closed'
  | 'transport error'
  | 'unfinished messages'

/** Why a stream was ended by the server. */
export type ResetReason =
  | 'data before accept'
  | 'gave way'
  | 'held too long'
  | 'node lost'
  | 'not accepted'
  | 'payload'
  | 'peer left'
  | 'receiver too slow'
  | 'server stop'
  | 'window exceeded'

/** Why a sender was not read from for a while. */
export type PauseReason = 'answers' | 'ceiling' | 'flood' | 'receiver' | 'window'

/** Kinds of messages in which clients are told of other peers. */
export type DiscoveryKind = 'windows' | 'newcomers' | 'changes' | 'lists' | 'answers'

type Tally<Reason extends string> = { [reason in Reason]?: number }

interface Attempts {
  total: number
  success: number
  failure: number
}

/** A reading of the star's nodes as one of them sees it. */
export interface BackplaneStats {
  /** Ids of all nodes with a lease, this one among them. */
  nodes: readonly string[]
  /** This node takes no part: it could not renew its lease in time. */
  fenced: boolean
  /** Milliseconds since the lease was last renewed; 0 where there is none. */
  leaseAge: number
  /** Changes of the registry that were made and have not been heard of here. */
  feedLag: number
  /** Of each link: bytes sent that the other node has not acknowledged, and how many there may be. */
  links: readonly { node: string; unacknowledged: number; window: number }[]
  /** Envelopes sent again. */
  retransmits: number
  /** Envelopes from other nodes that were not taken, by reason. */
  refusedEnvelopes: Readonly<Record<string, number>>
}

/** The star's nodes as this one sees them. */
export interface ClusterStats extends BackplaneStats {
  /** Id of this node. */
  node: string
  /** Dials with clients of other nodes, under way and open. */
  dials: number
  /** Bytes kept for them here. */
  keptBytes: number
}

/** A reading of the server: levels now, and counts since it was created. */
export interface RendezvousStats {
  /** Connections open now. */
  sessions: number
  /** Peer ids (or addresses without one) that can be dialled now, those of other nodes among them. */
  peers: number
  /** Stream halves open now; an ordinary dial has two. */
  streams: number
  /** Bytes that wait to be taken by clients, as far as there are many for one. */
  bufferedBytes: number
  /** Connections, and dials of other nodes, not read from now, since those they send to cannot take more. */
  held: number
  /** Challenges waiting for their signature now. */
  pendingChallenges: number
  /** Connections and joins waiting for their turn now, as more came than could be served at once. */
  waiting: number
  /** TCP connections open now, with or without a session. */
  connections: number
  /** Sessions not read from now, since they have cost more than they may. */
  slowed: number
  /** Bytes of unfinished messages now. */
  receivedBytes: number
  /** Milliseconds of CPU that clients have cost besides relaying, by kind of work and at the prices of the budget. */
  work: Readonly<Record<string, number>>
  /** Where several nodes may share the star. */
  cluster?: ClusterStats
  joins: Attempts
  dials: Attempts
  /** Chunks passed on from a sender to a receiver, and their payload in bytes. */
  relayed: { chunks: number; bytes: number }
  /** How often a client was told of a peer that is online: in `ws-peer` events, and in lists of `ss-peers`. */
  announcements: number
  /**
   * Bytes sent to tell clients of other peers: in `ws-peer` events about everyone by turns (`windows`) and about newcomers,
   * in `ss-peers` events about changes and with full lists, and in answers to joins.
   */
  discoveryBytes: Readonly<Record<DiscoveryKind, number>>
  refused: Tally<RefusalReason>
  dropped: Tally<DropReason>
  closed: Tally<CloseReason>
  reset: Tally<ResetReason>
  paused: Tally<PauseReason>
}

/** The counts of one server: written by its parts, read through {@link RendezvousStats}. */
export class Counters {
  readonly joins: Attempts = { total: 0, success: 0, failure: 0 }
  readonly dials: Attempts = { total: 0, success: 0, failure: 0 }
  readonly relayed = { chunks: 0, bytes: 0 }
  announcements = 0
  readonly discoveryBytes = { windows: 0, newcomers: 0, changes: 0, lists: 0, answers: 0 }
  readonly #refused: Tally<RefusalReason> = {}
  readonly #dropped: Tally<DropReason> = {}
  readonly #closed: Tally<CloseReason> = {}
  readonly #reset: Tally<ResetReason> = {}
  readonly #paused: Tally<PauseReason> = {}

  refuse(reason: RefusalReason): void {
    add(this.#refused, reason)
  }

  drop(reason: DropReason): void {
    add(this.#dropped, reason)
  }

  close(reason: CloseReason): void {
    add(this.#closed, reason)
  }

  reset(reason: ResetReason): void {
    add(this.#reset, reason)
  }

  pause(reason: PauseReason): void {
    add(this.#paused, reason)
  }

  /** A copy that later counting does not change. */
  snapshot(): Pick<
    RendezvousStats,
    | 'joins'
    | 'dials'
    | 'relayed'
    | 'announcements'
    | 'discoveryBytes'
    | 'refused'
    | 'dropped'
    | 'closed'
    | 'reset'
    | 'paused'
  > {
    return {
      joins: { ...this.joins },
      dials: { ...this.dials },
      relayed: { ...this.relayed },
      announcements: this.announcements,
      discoveryBytes: { ...this.discoveryBytes },
      refused: { ...this.#refused },
      dropped: { ...this.#dropped },
      closed: { ...this.#closed },
      reset: { ...this.#reset },
      paused: { ...this.#paused }
    }
  }
}

function add<Reason extends string>(tally: Tally<Reason>, reason: Reason): void {
  tally[reason] = (tally[reason] ?? 0) + 1
}
