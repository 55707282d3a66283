import { EXTENSIONS_VERSION } from '@websocket-star/protocol'
import { Manager, type ManagerOptions, type Socket } from 'socket.io-client'
import { checkHandshake } from './strict-handshake.js'
import { STRICT_PARSER } from './strict-parser.js'

export interface StarSocketOptions {
  /** Milliseconds for a connection to be made. */
  connectTimeout: number
  transports: readonly ('websocket' | 'polling')[]
  /** Further options of socket.io-client's manager, such as `extraHeaders` or `ca`. */
  socket: Partial<ManagerOptions>
}

/** Creates a socket.io socket that is used for one session; {@link openSocket} connects it. */
export function createSocket(url: string, { transports, connectTimeout, socket }: StarSocketOptions): Socket {
  const manager = new Manager(url, {
    transports: [...transports],
    // Networks that block WebSockets may let polling through.
    tryAllTransports: true,
    timeout: connectTimeout,
    ...socket,
    parser: STRICT_PARSER,
    autoConnect: false,
    // Each attempt gets a new socket: socket.io would send what it kept of a lost one too late.
    reconnection: false
  })
  return manager.socket('/', { auth: { websocketStar: { version: EXTENSIONS_VERSION, peers: 'deltas' } } })
}

export function openSocket(socket: Socket): void {
  socket.connect()
  checkHandshake(socket.io.engine)
}

/**
 * Returns the platform's reason for a failed connection. engine.io reports every failure as `websocket error` or `xhr poll
 * error`, with the reason inside. Browsers do not reveal why a WebSocket failed, and report an unanswered request as status 0.
 */
export function connectFailure(error: Error): string {
  const { description } = error as { description?: unknown }
  if (typeof description === 'number') {
    return description === 0
      ? 'no answer, or none that a page of this origin may read'
      : `Unexpected server response: ${description}`
  }
  const hasMessage = typeof description === 'object' && description !== null && 'message' in description
  return hasMessage && typeof description.message === 'string' && description.message !== ''
    ? description.message
    : error.message
}
