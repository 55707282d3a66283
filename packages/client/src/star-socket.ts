import { EXTENSIONS_VERSION } from '@websocket-star/protocol'
import { Manager, NodeXHR, type ManagerOptions, type Socket } from 'socket.io-client'
import { checkHandshake, MALFORMED_HANDSHAKE } from './strict-handshake.js'
import { STRICT_PARSER } from './strict-parser.js'
import { TellingWebSocket } from './telling-web-socket.js'
import type { TransportName } from './transport-order.js'

/** engine.io's; bundlers for browsers replace those of Node. */
const TRANSPORTS = { websocket: TellingWebSocket, polling: NodeXHR }

export interface StarSocketOptions {
  /** Milliseconds for a connection to be made. */
  connectTimeout: number
  transports: readonly TransportName[]
  /** Further options of socket.io-client's manager, such as `extraHeaders` or `ca`. */
  socket: Partial<ManagerOptions>
  /** `Authorization` header, in place of one in `socket`. */
  authorization: string | undefined
}

/** Path of socket.io below a server's mount point. */
const PATH = '/socket.io'

/**
 * Creates a socket.io socket that is used for one session; {@link openSocket} connects it.
 *
 * @param url - of the server; its path is the server's mount point
 */
export function createSocket(url: string, options: StarSocketOptions): Socket {
  const { transports, connectTimeout, socket, authorization } = options
  const { origin, pathname } = new URL(url)
  const manager = new Manager(origin, {
    transports: transports.map((name) => TRANSPORTS[name]),
    // Networks that block WebSockets may let polling through.
    tryAllTransports: true,
    ...socket,
    timeout: connectTimeout,
    path: pathBelow(pathname, socket.path ?? PATH),
    ...(authorization === undefined ? {} : { extraHeaders: withAuthorization(socket.extraHeaders, authorization) }),
    parser: STRICT_PARSER,
    autoConnect: false,
    // Each attempt gets a new socket: socket.io would send what it kept of a lost one too late.
    reconnection: false
  })
  return manager.socket('/', { auth: { websocketStar: { version: EXTENSIONS_VERSION, peers: 'deltas' } } })
}

function pathBelow(mountPoint: string, path: string): string {
  return `${mountPoint}/${path}`.replace(/\/{2,}/g, '/')
}

function withAuthorization(headers: Record<string, string> | undefined, authorization: string): Record<string, string> {
  const others = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== 'authorization')
  return { ...Object.fromEntries(others), authorization }
}

export function openSocket(socket: Socket): void {
  socket.connect()
  checkHandshake(socket.io.engine)
}

/** Returns how a server violated the protocol of engine.io before it was connected; undefined if it failed otherwise. */
export function violationOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown }
  if (code === MALFORMED_HANDSHAKE) return 'it sent a malformed handshake'
  return code === 'parser error' ? 'it sent a malformed packet' : undefined
}
