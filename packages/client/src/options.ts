import { InvalidOptionsError } from '@websocket-star/protocol'
import { WINDOW_INITIAL, WINDOW_MAX, type WindowOptions } from '@websocket-star/streams'
import type { ManagerOptions } from 'socket.io-client'
import type { BackoffOptions } from './backoff.js'
import type { StarPrivateKey } from './key.js'
import { isBrowser } from './platform.js'

/** Options of {@link createStarClient}. Durations are milliseconds, sizes are bytes. */
export interface StarClientOptions {
  /**
   * URLs such as `https://star.example.com`, or multiaddrs that end in `/p2p-websocket-star`. The path of a URL is the server's
   * mount point: `https://example.com/star` connects to `/star/socket.io/`. A user and a password in it are sent as an
   * `Authorization` header; browsers cannot do that, so there they are refused.
   */
  servers: readonly string[]
  /** The key that proves this peer's identity. Default: a new Ed25519 key. */
  privateKey?: StarPrivateKey
  /** Make `join` fail, without retries, if any of the servers cannot be joined at once. Default false. */
  strict?: boolean
  /** Sign anything a server sends, not only nonces of this protocol for the joined address. Default false. */
  signAnyNonce?: boolean
  /** Join servers that do not ask for proof of identity. Default false. */
  allowUnchallenged?: boolean
  /** Time for one attempt to connect. Default 20,000. */
  connectTimeout?: number
  /** Time for a server to answer a join. Default 20,000. */
  joinTimeout?: number
  /** Time from the call of a dial to the answer, through each server that is tried. Default 20,000; servers give up after 15,000. */
  dialTimeout?: number
  /** Randomised pauses between attempts to reach a server. Default 500, growing to 30,000. */
  backoff?: BackoffOptions
  /** Bytes that may be in flight to this side of a connection. Default 256 KiB, growing as needed to 4 MiB. */
  window?: WindowOptions
  /** Maximum unread bytes of a connection, through a server without flow control. Default 64 MiB. */
  maxUnread?: number
  /**
   * Connections open at once through one server. Above that, each inbound connection evicts another inbound one: of the peer with
   * the most, or one that was idle for a minute. If there is none, the new one is refused. Outbound connections are neither limited
   * nor evicted. Default 1,024.
   */
  maxConnections?: number
  /** Maximum number of peers remembered for each server. Default 65,536. */
  maxPeers?: number
  /** Time after which a peer counts as offline, if the server does not announce who leaves. Default 45,000. */
  peerExpiry?: number
  /**
   * Transports in order of preference. Default: WebSocket, and in browsers polling where WebSockets are blocked. If a WebSocket is
   * not answered, attempts of the next ten minutes begin with polling. Polling in Node would follow a server's redirects to other
   * hosts.
   */
  transports?: readonly ('websocket' | 'polling')[]
  /** Further options of socket.io-client, such as `extraHeaders`, `ca`, or `path`, which is below the mount point of each server. */
  socket?: Partial<ManagerOptions>
}

/** The options with all defaults filled in. */
export interface ResolvedOptions extends Required<Omit<StarClientOptions, 'privateKey' | 'window' | 'backoff'>> {
  window: WindowOptions
  backoff: BackoffOptions
}

const DURATIONS = ['connectTimeout', 'joinTimeout', 'dialTimeout', 'peerExpiry'] as const
const COUNTS = ['maxUnread', 'maxPeers', 'maxConnections'] as const
const TRANSPORTS: readonly string[] = ['websocket', 'polling']
/** Maximum of `setTimeout`. */
const DURATION_MAX = 2 ** 31 - 1

/** @throws {InvalidOptionsError} */
export function resolveOptions(options: StarClientOptions): ResolvedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new InvalidOptionsError('Expected options, such as { servers: ["https://star.example.com"] }')
  }
  const { privateKey: _, ...given } = options
  const resolved: ResolvedOptions = {
    strict: false,
    signAnyNonce: false,
    allowUnchallenged: false,
    connectTimeout: 20_000,
    joinTimeout: 20_000,
    dialTimeout: 20_000,
    maxUnread: 67_108_864,
    maxPeers: 65_536,
    maxConnections: 1_024,
    peerExpiry: 45_000,
    transports: isBrowser() ? ['websocket', 'polling'] : ['websocket'],
    socket: {},
    backoff: {},
    window: {},
    // An option that is undefined has its default.
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
    servers: options.servers
  }
  if (!Array.isArray(resolved.servers) || resolved.servers.some((server) => typeof server !== 'string')) {
    throw new InvalidOptionsError(
      'servers: expected a list of URLs or multiaddrs, such as ["https://star.example.com"]'
    )
  }
  for (const name of DURATIONS) {
    const value = resolved[name]
    if (!(Number.isFinite(value) && value > 0 && value <= DURATION_MAX)) {
      throw new InvalidOptionsError(`${name}: expected milliseconds from 1 to ${DURATION_MAX}, got ${value}`)
    }
  }
  for (const name of COUNTS) {
    if (!(Number.isFinite(resolved[name]) && resolved[name] >= 1)) {
      throw new InvalidOptionsError(`${name}: expected a number from 1, got ${resolved[name]}`)
    }
  }
  checkBackoff(resolved.backoff)
  checkWindow(resolved.window)
  const { transports } = resolved
  if (!Array.isArray(transports) || transports.length === 0 || transports.some((name) => !TRANSPORTS.includes(name))) {
    throw new InvalidOptionsError(`transports: expected some of ${TRANSPORTS.join(', ')}, in order of preference`)
  }
  return resolved
}

function checkBackoff({ initial = 500, max = 30_000 }: BackoffOptions): void {
  // Randomisation adds up to half of the longest pause.
  if (initial >= 1 && max >= initial && max <= DURATION_MAX / 2) return
  throw new InvalidOptionsError(`backoff: expected milliseconds, 1 <= initial <= max, got ${initial} and ${max}`)
}

function checkWindow({ initial = WINDOW_INITIAL, max = WINDOW_MAX }: WindowOptions): void {
  if (initial >= 1 && max >= initial && max <= 2 ** 24) return
  throw new InvalidOptionsError(`window: expected bytes, 1 <= initial <= max <= 16777216, got ${initial} and ${max}`)
}
