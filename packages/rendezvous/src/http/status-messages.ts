import type { ClusterStats, RendezvousStats } from '../stats.js'

/** What the status page is told over its event stream, by the name of the event. Nothing in it names a peer. */
export interface StatusMessages {
  /** First of all, and once. */
  hello: Hello
  /** Once a second. */
  reading: Reading
  /** When one of the counts has changed. */
  reasons: Reasons
  /** When it has changed: milliseconds of CPU that clients have cost besides relaying, by kind of work. */
  work: Readonly<Record<string, number>>
  /** When something of it has changed; null for a server that is alone. */
  cluster: ClusterStats | null
  /** When it has changed: whether new clients are served. */
  state: ServerState
}

export type ServerState = 'ready' | 'draining' | 'fenced'

export interface Hello {
  /** Undefined for strangers, unless the operator shows it to everybody. */
  version?: string | undefined
  /** Milliseconds since the server was started. */
  uptime: number
  /** What was read in the last minutes, oldest first. */
  history: readonly Reading[]
}

/**
 * One reading: when, in milliseconds since 1970; then the levels: peers, sessions, stream halves, paused senders,
 * bytes that wait; then the counts since the server was created: bytes relayed, joins, dials; then levels again: TCP
 * connections, sessions that are slowed, bytes of unfinished messages.
 */
export type Reading = readonly [
  at: number,
  peers: number,
  sessions: number,
  streams: number,
  paused: number,
  buffered: number,
  bytes: number,
  joins: number,
  dials: number,
  connections: number,
  slowed: number,
  received: number
]

export interface Reasons extends Pick<RendezvousStats, 'refused' | 'dropped' | 'closed' | 'reset' | 'paused'> {
  joins: RendezvousStats['joins']
  dials: RendezvousStats['dials']
}

/** What `GET /admin/peers` answers. */
export interface PeerList {
  /** Peers that fit what was asked for. */
  total: number
  /** The busiest of them. */
  peers: readonly ListedPeer[]
}

/** What `GET /admin/addresses` answers: those that cost most, first those that owe. */
export interface AddressList {
  /** Addresses with connections, or whose cost is remembered. */
  total: number
  addresses: readonly ListedAddress[]
}

export interface ListedAddress {
  /** An IPv4 address, or the first half of an IPv6 address; undefined for loopback and trusted proxies together. */
  network: string | undefined
  connections: number
  sessions: number
  /** Bytes of unfinished messages. */
  received: number
  /** Bytes queued for its sessions. */
  queued: number
  /** Milliseconds until it may ask for more; 0 while it owes nothing. */
  debt: number
}

export interface ListedPeer {
  /** The peer id, or the address of one that has none. */
  id: string
  /** Where it joined. */
  address: string
  /** Where its clients connect from; none if they are on another node. */
  ips: readonly string[]
  /** The other node that holds it. */
  node: string | undefined
  /** Its client knows windows and credit. */
  isNew: boolean
  /** Bytes that wait to be taken by it. */
  buffered: number
  /** How many it has open. */
  streamCount: number
  /** Some of them. */
  streams: readonly ListedStream[]
}

export interface ListedStream {
  id: string
  /** Whether the peer sends on it, or receives. */
  direction: 'out' | 'in'
  /** The peer at the other end; undefined on another node. */
  remote: string | undefined
  /** Payload passed on so far. */
  bytes: number
  state: 'unaccepted' | 'open' | 'paused'
}
