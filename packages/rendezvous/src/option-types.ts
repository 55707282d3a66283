// Generated from options.ts by `npm run docs`; do not edit.

/** Options of a server. */
export interface ServerOptions {
  /**
   * TCP port to listen on; 0 picks a free one.
   *
   * @default 9090
   */
  port?: number
  /**
   * Address to listen on; :: listens on all addresses, IPv4 and IPv6. On a machine without IPv6, :: listens on all
   * IPv4 addresses. 0.0.0.0 listens on these only.
   *
   * @default '::'
   */
  host?: string
  /**
   * Path that the server is below, such as /star, if a proxy does not strip it. Requests without the path are
   * answered too, so that load balancers can check the server itself.
   *
   * @default ''
   */
  basePath?: string
  /**
   * Time for open streams to finish after SIGTERM; 0 ends them at once. In milliseconds.
   *
   * @default 8000
   */
  drainTimeout?: number
  /** Private key file (PEM), for HTTPS. */
  key?: string
  /** Certificate chain file (PEM), for HTTPS. */
  cert?: string
  /** PKCS #12 file with key and certificate, instead of two PEM files. */
  pfx?: string
  /** Passphrase of the key or PKCS #12 file. */
  passphrase?: string
  /**
   * Multiaddr that clients use for this star, such as /dns4/star.example.com/tcp/443/wss/p2p-websocket-star. Joins
   * under other addresses are refused, except for the names in the certificate and the addresses of this machine.
   *
   * @default []
   */
  publicAddresses?: string[]
  /**
   * Web origin that may connect, such as https://*.example, or "self" for pages of this server only. In
   * https://*.app.example, the asterisk stands for one label or more; in http://localhost:*, for any port; alone, for
   * every origin. If none is named, pages of every origin may connect. Pages of the server itself may always connect,
   * and so may programs, which send no origin.
   *
   * @default []
   */
  allowedOrigins?: string[]
  /**
   * Proxy whose X-Forwarded-For and related headers are believed: address, subnet or "loopback". X-Forwarded-Proto,
   * X-Forwarded-Host, X-Forwarded-Port and Forwarded are believed too. Instead of addresses, the number of proxies in
   * a row may be given, such as 1: the server then trusts every direct connection, so clients must not be able to
   * bypass the proxies.
   *
   * @default []
   */
  trustProxy?: string[]
  /**
   * Peers must sign a challenge to prove that they own their peer id. Without the challenge, anyone may take any
   * address that is free.
   *
   * @default true
   */
  cryptoChallenge?: boolean
  /**
   * Only addresses of the form …/ws/p2p-websocket-star/p2p/<peer id> may join.
   *
   * @default true
   */
  strictMultiaddr?: boolean
  /** Limits of sessions, IP addresses and the whole server. */
  limits?: LimitsSettings
  /** Redis or Valkey server that connects the nodes of one star. */
  redis?: string
  /** Cooperation of the nodes that share one star. */
  cluster?: ClusterSettings
  /**
   * Secret for the list of peers and the controls of the status page. If none is given, the command line generates
   * one and prints it on a terminal. Where there is no terminal, and in a server embedded as a library, there are no
   * such pages without one.
   */
  adminToken?: string
  /**
   * Page at /try that makes a browser tab a peer.
   *
   * @default true
   */
  playground?: boolean
  /**
   * Everybody may see the Prometheus metrics at /metrics and the figures of the status page. Without an admin token,
   * nobody sees them then.
   *
   * @default true
   */
  metrics?: boolean
  /**
   * Node names and exact versions are shown only with the admin token. This concerns /metrics and the status page.
   *
   * @default true
   */
  privateDetails?: boolean
  /**
   * Least severe level to log: silent, error, warn, info or debug. At info, the first refusal of each reason and
   * minute is logged. At debug, every refusal and every step of each session is: clients can make such a log large.
   *
   * @default 'info'
   */
  logLevel?: 'silent' | 'error' | 'warn' | 'info' | 'debug'
  /**
   * Format of log lines: auto, json or pretty. Lines are pretty on a terminal and JSON elsewhere, if it is auto.
   *
   * @default 'auto'
   */
  logFormat?: 'auto' | 'json' | 'pretty'
  /** Announcements of peers to clients. */
  discovery?: DiscoverySettings
  /** Requirements and time limits of joining. */
  join?: JoinSettings
  /** Time limits of dials. */
  dial?: DialSettings
  /** Flow control between peers. */
  relay?: RelaySettings
  /** Detection of lost clients. */
  heartbeat?: HeartbeatSettings
}

/** Cooperation of the nodes that share one star. */
export interface ClusterSettings {
  /**
   * Name of the star; nodes with the same name share it.
   *
   * @default 'star'
   */
  star?: string
  /** Readable part of the id of this node; by default the host name. */
  node?: string
  /**
   * Silence after which other nodes treat a node as gone; must be the same on all nodes. In milliseconds.
   *
   * @default 10_000
   */
  leaseTtl?: number
  /**
   * Bytes in flight to one other node. With more than five other nodes it is less. One stream may have as many in
   * flight; it begins with 256 KiB.
   *
   * @default 4_194_304
   */
  linkWindow?: number
}

/** Announcements of peers to clients. */
export interface DiscoverySettings {
  /**
   * Time between two announcements of the same peer to a legacy client. In milliseconds.
   *
   * @default 10_000
   */
  interval?: number
  /**
   * Peers announced to a legacy client per interval, and newcomers per second.
   *
   * @default 256
   */
  window?: number
  /**
   * Peers listed in the answer to the join of a legacy client, newest first.
   *
   * @default 256
   */
  joinList?: number
  /**
   * Address prefixes in use at the same time.
   *
   * @default 1024
   */
  prefixes?: number
  /**
   * Time to batch changes for clients that receive changes instead of lists. In milliseconds.
   *
   * @default 50
   */
  deltaInterval?: number
  /**
   * Bytes per second for telling clients about peers. This is an average over all clients. The peers of one IP
   * address may cause a quarter of it; loopback and trusted proxies are exempt from that.
   *
   * @default 4_000_000
   */
  maxBytesPerSecond?: number
}

/** Requirements and time limits of joining. */
export interface JoinSettings {
  /**
   * Time after which a session without an address and without a stream is closed. In milliseconds.
   *
   * @default 60_000
   */
  deadline?: number
  /**
   * Time a client has to answer the challenge. In milliseconds.
   *
   * @default 20_000
   */
  nonceTtl?: number
  /**
   * Time the owner of an address has to answer a ping before another session takes over. In milliseconds.
   *
   * @default 2000
   */
  takeoverTimeout?: number
  /**
   * Bits of the smallest RSA key accepted.
   *
   * @default 1024
   */
  minRsaBits?: number
}

/** Time limits of dials. */
export interface DialSettings {
  /**
   * Time a peer has to accept or reject a dial. In milliseconds.
   *
   * @default 15_000
   */
  ackTimeout?: number
  /**
   * Time the receiver has to accept a stream. In milliseconds.
   *
   * @default 60_000
   */
  acceptTimeout?: number
}

/** Flow control between peers. */
export interface RelaySettings {
  /**
   * Time to collect small messages that arrive in quick succession; 0 relays each at once. In milliseconds. While it
   * waits, the server blocks the event loop of its process. A server embedded as a library therefore does not wait by
   * default; the command line does.
   *
   * @default 0
   */
  gatherTime?: number
  /**
   * Backlog of one session above which the senders to it are paused. In bytes.
   *
   * @default 1_048_576
   */
  highWaterMark?: number
  /**
   * Backlog of one session above which everyone who sends to it is paused. In bytes. This includes senders that have
   * credit left.
   *
   * @default 8_388_608
   */
  sessionCeiling?: number
  /**
   * Longest time that one slow receiver may pause a legacy sender. In milliseconds.
   *
   * @default 30_000
   */
  pauseTimeout?: number
  /**
   * Time without a sign that a client reads, after which its session is closed. In milliseconds.
   *
   * @default 30_000
   */
  stallTimeout?: number
  /**
   * Backlog of all sessions, in bytes; beyond, the largest is closed. Above a sixteenth of it, the senders to one IP
   * address are paused sooner; loopback and trusted proxies are exempt from that.
   *
   * @default 536_870_912
   */
  maxBufferedBytes?: number
}

/** Limits of sessions, IP addresses and the whole server. */
export interface LimitsSettings {
  /**
   * Sessions from one IP address. Loopback and trusted proxies are exempt. An address may have twice as many TCP
   * connections, those in the TLS handshake included.
   *
   * @default 512
   */
  sessionsPerIp?: number
  /**
   * Bytes of unfinished messages; beyond, the largest is dropped. They are counted over all clients. One IP address
   * may use an eighth of it, but at least two of the largest messages; loopback and trusted proxies are exempt from
   * that.
   *
   * @default 268_435_456
   */
  receivedBytes?: number
  /**
   * Largest message from a client. In bytes.
   *
   * @default 1_048_576
   */
  messageSize?: number
  /**
   * Addresses that one session may join with.
   *
   * @default 8
   */
  addressesPerSession?: number
  /**
   * Open halves per session; a connection has two.
   *
   * @default 4096
   */
  streamsPerSession?: number
  /**
   * Unanswered challenges of all sessions; beyond, the oldest is dropped.
   *
   * @default 16_384
   */
  pendingChallenges?: number
  /**
   * New sessions and joins in the queue; more are rejected.
   *
   * @default 16_384
   */
  waiting?: number
  /**
   * Unanswered dials per session.
   *
   * @default 64
   */
  pendingDialsPerSession?: number
  /**
   * Halves opened by the dials of one session and not yet accepted by their receivers.
   *
   * @default 256
   */
  unacceptedStreams?: number
  /**
   * Dials of one session per second, on average; bursts may have four times as many.
   *
   * @default 100
   */
  dialsPerSecond?: number
  /**
   * Dials per second of all sessions of one IP address; loopback and trusted proxies are exempt.
   *
   * @default 400
   */
  dialsPerSecondPerIp?: number
  /**
   * Join requests of one session per second, on average; bursts may have four times as many.
   *
   * @default 20
   */
  joinRoundsPerSecond?: number
  /**
   * Join requests per second of all sessions of one IP address; loopback and trusted proxies are exempt.
   *
   * @default 200
   */
  joinRoundsPerSecondPerIp?: number
  /**
   * CPU time per second for the requests of one session, not counting what it relays. In milliseconds. Beyond that,
   * the server reads from the session more slowly.
   *
   * @default 50
   */
  workPerSession?: number
  /**
   * CPU time per second for all requests of one IP address, not counting what it relays. In milliseconds. Loopback
   * and trusted proxies are exempt.
   *
   * @default 250
   */
  workPerIp?: number
  /**
   * Time after which a session that keeps exceeding its CPU time is closed. In milliseconds.
   *
   * @default 10_000
   */
  floodTimeout?: number
}

/** Detection of lost clients. */
export interface HeartbeatSettings {
  /**
   * Time between two pings. In milliseconds.
   *
   * @default 25_000
   */
  interval?: number
  /**
   * Time to wait for the answer; browsers wake background tabs once a minute. In milliseconds.
   *
   * @default 60_000
   */
  timeout?: number
}

/** Options of a server with every default applied. */
export interface ResolvedOptions
  extends
    Required<
      Omit<
        ServerOptions,
        | 'key'
        | 'cert'
        | 'pfx'
        | 'passphrase'
        | 'redis'
        | 'adminToken'
        | 'cluster'
        | 'discovery'
        | 'join'
        | 'dial'
        | 'relay'
        | 'limits'
        | 'heartbeat'
      >
    >,
    Pick<ServerOptions, 'key' | 'cert' | 'pfx' | 'passphrase' | 'redis' | 'adminToken'> {
  cluster: Required<Omit<ClusterSettings, 'node'>> & Pick<ClusterSettings, 'node'>
  discovery: Required<DiscoverySettings>
  join: Required<JoinSettings>
  dial: Required<DialSettings>
  relay: Required<RelaySettings>
  limits: Required<LimitsSettings>
  heartbeat: Required<HeartbeatSettings>
}
