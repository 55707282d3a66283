import { InvalidOptionsError, type StarClientOptions } from '@websocket-star/client'

export interface WebSocketStarInit extends Omit<StarClientOptions, 'servers' | 'privateKey' | 'strict'> {
  /** Let a node fail to start if one of its stars cannot be joined at once. Default false: it is joined when it is up. */
  strict?: boolean
  /** How long starting a node waits for a star to be joined, in milliseconds. Default 5,000. */
  listenTimeout?: number
  /** Put the peers of the stars into the peer store, so that a peer id is enough to dial. Default true. */
  discover?: boolean
}

const TYPES = {
  strict: 'boolean',
  listenTimeout: 'number',
  discover: 'boolean',
  signAnyNonce: 'boolean',
  allowUnchallenged: 'boolean',
  connectTimeout: 'number',
  joinTimeout: 'number',
  dialTimeout: 'number',
  backoff: 'object',
  window: 'object',
  maxUnread: 'number',
  maxConnections: 'number',
  maxPeers: 'number',
  peerExpiry: 'number',
  transports: 'object',
  socket: 'object'
} satisfies Record<keyof WebSocketStarInit, 'boolean' | 'number' | 'object'>

/** `setTimeout` takes no more. */
const DURATION_MAX = 2 ** 31 - 1

/**
 * Looks at what the client does not: the names, the types, and what is this package's own.
 *
 * @throws {InvalidOptionsError}
 */
export function checkInit(init: WebSocketStarInit): void {
  const types: Record<string, string> = TYPES
  for (const [name, value] of Object.entries(init) as [string, unknown][]) {
    const type = types[name]
    if (type === undefined) throw new InvalidOptionsError(`${name}: there is no such option`)
    // What is given as undefined is not given.
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw new InvalidOptionsError(`${name}: expected ${nameOf(type)}, got ${JSON.stringify(value)}`)
    }
  }
  const { listenTimeout = 1 } = init
  if (!(listenTimeout >= 1 && listenTimeout <= DURATION_MAX)) {
    throw new InvalidOptionsError(
      `listenTimeout: expected milliseconds from 1 to ${DURATION_MAX}, got ${listenTimeout}`
    )
  }
}

function nameOf(type: string): string {
  return type === 'object' ? 'an object' : `a ${type}`
}
