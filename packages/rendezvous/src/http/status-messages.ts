import type { ClusterStats, RendezvousStats } from '../stats.js'

/** Messages of the status page's event stream, by name of the event. None of them names a peer. */
export interface StatusMessages {
  /** Sent once, first. */
  hello: Hello
  /** Sent once a second. */
  reading: Reading
  /** Sent after a change, like those below. */
  reasons: Reasons
  /** Milliseconds of CPU used for clients except relaying, by kind of work. */
  work: Readonly<Record<string, number>>
  /** Null if the server is not part of a cluster. */
  cluster: ClusterStats | null
  state: ServerState
}

export type ServerState = 'ready' | 'draining' | 'fenced'

export interface Hello {
  /** Undefined without the admin token, unless the option `publicDetails` is set. */
  version?: string | undefined
  /** Milliseconds since the server was started. */
  uptime: number
  /** Readings of the last ten minutes, oldest first. */
  history: readonly Reading[]
}

/**
 * A reading: its time in milliseconds since 1970, current levels (peers, sessions, halves, paused senders, queued bytes), counts
 * since the server was created (bytes relayed, joins, dials), and more levels (TCP connections, sessions over their CPU budget,
 * bytes of incomplete messages).
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

/** Answer to `GET /admin/peers`. */
export interface ListedPeers {
  /** Matching peers. */
  total: number
  /** The busiest of the matching peers. */
  peers: readonly ListedPeer[]
}

/** Answer to `GET /admin/addresses`. */
export interface ListedAddresses {
  /** Addresses with connections or recent work. */
  total: number
  /** The most expensive of these addresses, those in debt first. */
  addresses: readonly ListedAddress[]
}

export interface ListedAddress {
  /** An IPv4 address, or the first half of an IPv6 address; undefined for loopback and trusted proxies together. */
  network: string | undefined
  connections: number
  sessions: number
  /** Bytes received of incomplete messages. */
  received: number
  /** Bytes queued for the sessions of the address. */
  queued: number
  /** Milliseconds until the next request is admitted; 0 while the address is within its budget. */
  debt: number
}

export interface ListedPeer {
  /** Peer id, or the address of a peer without one. */
  id: string
  /** Multiaddr that the peer joined with. */
  address: string
  /** IP addresses of the peer's sessions on this node. */
  ips: readonly string[]
  /** Id of the node that the peer is connected to, if that is another node. */
  node: string | undefined
  /** Whether the peer's client supports windows and credit. */
  isNew: boolean
  /** Bytes queued for the peer. */
  buffered: number
  streamCount: number
  streams: readonly ListedStream[]
}

export interface ListedStream {
  id: string
  /** `out` if the peer sends. */
  direction: 'out' | 'in'
  /** The peer at the other end; undefined if that peer is on another node. */
  remote: string | undefined
  /** Payload bytes relayed. */
  bytes: number
  state: 'unaccepted' | 'open' | 'paused'
}
