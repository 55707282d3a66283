/** Reason for answering a request with an error. */
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

/** Who was refused, and what was asked for. Texts come from clients. */
export interface RefusalDetails {
  /** IP address of the client. */
  ip?: string | undefined
  /** Number of the session, as in the log lines about it. */
  session?: number | undefined
  peer?: string | undefined
  /** Multiaddr, path or other value that the client sent. */
  offered?: string | undefined
  /** Host header. */
  host?: string | undefined
  origin?: string | undefined
  /** Text that the client was answered. */
  answer?: string | undefined
  /** Option that decides. */
  option?: string | undefined
}

/** Reason for dropping a frame. */
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

/** Reason for the end of a session. */
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

/** Reason for which the server ended a half, or both halves of a connection. */
export type ResetReason =
  | 'data before accept'
  | 'gave way'
  | 'paused too long'
  | 'node lost'
  | 'not accepted'
  | 'payload'
  | 'peer left'
  | 'receiver too slow'
  | 'server stop'
  | 'window exceeded'

export type PauseReason = 'answers' | 'ceiling' | 'flood' | 'receiver' | 'window'

/** Kinds of messages that tell clients about other peers. */
export type DiscoveryKind = 'windows' | 'newcomers' | 'changes' | 'lists' | 'answers'

/** Counts by reason. A reason that never occurred is missing. */
export type CountsByReason<Reason extends string> = { [reason in Reason]?: number }

/** Requests that were answered: all, those that succeeded, and those that failed. */
export interface Attempts {
  total: number
  success: number
  failure: number
}

/** Figures of a star of several nodes, as one of them sees it. */
export interface BackplaneStats {
  /** Ids of all nodes with a lease, including this one. */
  nodes: readonly string[]
  /** This node is cut off from the others, since it could not renew its lease in time. */
  fenced: boolean
  /** Milliseconds since the lease was last renewed; 0 without a lease. */
  leaseAge: number
  /** Changes in the star's registry that this node has not received yet. */
  feedLag: number
  /** For each link: bytes that the other node has not acknowledged, and their limit. */
  links: readonly { node: string; unacknowledged: number; window: number }[]
  retransmits: number
  /** Envelopes from other nodes that were refused, by reason. */
  refusedEnvelopes: Readonly<Record<string, number>>
}

/** Figures of a star of several nodes, and of this node's dials to clients of the others. */
export interface ClusterStats extends BackplaneStats {
  node: string
  /** Connections with clients of other nodes, including dials in progress. */
  dials: number
  /** Bytes queued for them here. */
  keptBytes: number
}

/** Figures of a server: current levels, and counts since it was created. */
export interface RendezvousStats {
  sessions: number
  /** Peer ids (or addresses without one) that can be dialled, including those of other nodes. */
  peers: number
  /** Open halves; an ordinary connection has two. */
  streams: number
  /** Bytes queued for slow clients. Small backlogs are not counted. */
  bufferedBytes: number
  /** Senders not read from because of flow control: sessions, and channels to clients of other nodes. */
  pausedSenders: number
  /** Challenges not answered with a signature yet. */
  pendingChallenges: number
  /** Connections and joins in the work queues. */
  waiting: number
  /** Open TCP connections, with or without a session. */
  connections: number
  /** Sessions not read from because they exceeded their CPU budget. */
  slowed: number
  /** Bytes received of messages that are still incomplete. */
  receivedBytes: number
  /** Log lines that could not be written, as far as the logger counts them. */
  lostLogLines: number
  /** Milliseconds of CPU used for clients, except for relaying, by kind of work. They are estimated by fixed prices. */
  work: Readonly<Record<string, number>>
  /** Undefined if the server is not part of a cluster. */
  cluster?: ClusterStats
  joins: Attempts
  dials: Attempts
  /** Chunks relayed, and their payload in bytes. */
  relayed: { chunks: number; bytes: number }
  /** Names of online peers sent to clients, in `ws-peer` events and in the lists of `ss-peers`. */
  announcements: number
  /** Bytes sent to tell clients about peers. `windows`: all peers in rotation; `answers`: the peer lists in answers to joins. */
  discoveryBytes: Readonly<Record<DiscoveryKind, number>>
  refused: CountsByReason<RefusalReason>
  dropped: CountsByReason<DropReason>
  closed: CountsByReason<CloseReason>
  reset: CountsByReason<ResetReason>
  paused: CountsByReason<PauseReason>
}

/** Event counts of one server. Its parts write them, and {@link RendezvousStats} shows them. */
export class Counters {
  readonly joins: Attempts = { total: 0, success: 0, failure: 0 }
  readonly dials: Attempts = { total: 0, success: 0, failure: 0 }
  readonly relayed = { chunks: 0, bytes: 0 }
  announcements = 0
  /** Told of each refusal. */
  onRefuse: ((reason: RefusalReason, describe: (() => RefusalDetails) | undefined) => void) | undefined
  readonly discoveryBytes = { windows: 0, newcomers: 0, changes: 0, lists: 0, answers: 0 }
  readonly #refused: CountsByReason<RefusalReason> = {}
  readonly #dropped: CountsByReason<DropReason> = {}
  readonly #closed: CountsByReason<CloseReason> = {}
  readonly #reset: CountsByReason<ResetReason> = {}
  readonly #paused: CountsByReason<PauseReason> = {}

  /** @param describe - says who was refused, and what was asked for; called only if the refusal is logged */
  refuse(reason: RefusalReason, describe?: () => RefusalDetails): void {
    add(this.#refused, reason)
    this.onRefuse?.(reason, describe)
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

  /** Returns a copy that later counting does not change. */
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

function add<Reason extends string>(counts: CountsByReason<Reason>, reason: Reason): void {
  counts[reason] = (counts[reason] ?? 0) + 1
}
