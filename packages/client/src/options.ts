import { InvalidOptionsError } from '@websocket-star/protocol'
import { WINDOW_INITIAL, WINDOW_MAX, type WindowOptions } from '@websocket-star/streams'
import type { ManagerOptions } from 'socket.io-client'
import type { BackoffOptions } from './backoff.js'
import type { StarPrivateKey } from './key.js'

/** Options of {@link createStarClient}. Durations are milliseconds, sizes are bytes. */
export interface StarClientOptions {
  /**
   * The servers to join: URLs such as `https://star.example.com`, or multiaddrs such as
   * `/dns4/star.example.com/tcp/443/wss/p2p-websocket-star`.
   */
  servers: readonly string[]
  /** Who this client is: a key of `generateKey` or `keyFromSeed`, or of `@libp2p/crypto`. Default: a new Ed25519 key. */
  privateKey?: StarPrivateKey
  /** Let `join` fail, and give up for good, if any of the servers cannot be joined at once. Default false: keep trying. */
  strict?: boolean
  /** Sign whatever a server sends, not only nonces of this protocol that name the address. Default false. */
  signAnyNonce?: boolean
  /** Join servers that ask for no proof of identity. Default false. */
  allowUnchallenged?: boolean
  /** How long one attempt to connect may take. Default 20,000. */
  connectTimeout?: number
  /** How long a server may take to answer a join. Default 20,000. */
  joinTimeout?: number
  /** How long a dial may take. Default 20,000; servers give up after 15,000. */
  dialTimeout?: number
  /** Pauses between attempts to reach a server; each client's differ. Default 500, growing up to 30,000. */
  backoff?: BackoffOptions
  /** What the other side of a connection may have under way. Default 256 KiB, growing by itself up to 4 MiB. */
  window?: WindowOptions
  /** Unread bytes of a connection through a server that knows no windows, above which it is ended. Default 64 MiB. */
  maxUnread?: number
  /**
   * Connections open at once through one server. At that number one that another peer opened ends for each new one, or the new
   * one is refused: the peer with the most gives way first, then what was not used for a minute. This client's own dials are
   * not limited by it, and do not give way. Default 1,024.
   */
  maxConnections?: number
  /** Peers remembered of one server. Default 65,536. */
  maxPeers?: number
  /** After how long a peer counts as gone, at a server that does not tell who leaves. Default 45,000. */
  peerExpiry?: number
  /**
   * What to connect by, in order of preference. Default in browsers WebSocket, and polling where that is blocked; in Node
   * WebSocket alone, since polling follows a server's redirects to others.
   */
  transports?: readonly ('websocket' | 'polling')[]
  /** More for socket.io-client, such as `extraHeaders`, `ca` or `path`. */
  socket?: Partial<ManagerOptions>
}

/** All options, with their defaults. */
export interface ResolvedOptions extends Required<Omit<StarClientOptions, 'privateKey' | 'window' | 'backoff'>> {
  window: WindowOptions
  backoff: BackoffOptions
}

const DURATIONS = ['connectTimeout', 'joinTimeout', 'dialTimeout', 'peerExpiry'] as const
const COUNTS = ['maxUnread', 'maxPeers', 'maxConnections'] as const
const TRANSPORTS: readonly string[] = ['websocket', 'polling']
/** `setTimeout` takes no more. */
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
    // What is given as undefined is not given.
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
  // Half as much again is added to the longest pause.
  if (initial >= 1 && max >= initial && max <= DURATION_MAX / 2) return
  throw new InvalidOptionsError(`backoff: expected milliseconds, 1 <= initial <= max, got ${initial} and ${max}`)
}

function checkWindow({ initial = WINDOW_INITIAL, max = WINDOW_MAX }: WindowOptions): void {
  if (initial >= 1 && max >= initial && max <= 2 ** 24) return
  throw new InvalidOptionsError(`window: expected bytes, 1 <= initial <= max <= 16777216, got ${initial} and ${max}`)
}

/** A page or a worker. */
function isBrowser(): boolean {
  return 'document' in globalThis || 'WorkerGlobalScope' in globalThis
}
