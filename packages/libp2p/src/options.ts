import { InvalidOptionsError, type StarClientOptions } from '@websocket-star/client'

export interface WebSocketStarInit extends Omit<StarClientOptions, 'servers' | 'privateKey' | 'strict'> {
  /** Fails the start of the node if a star cannot be joined. Default false: the star is joined once it is up. */
  strict?: boolean
  /** Time for joining a star at the start of the node, in milliseconds. Default 5,000. */
  listenTimeout?: number
  /** Time after the last connection until the node leaves a star that it joined for dials only, in milliseconds. Default 20,000. */
  idleStarTimeout?: number
  /** Adds the peers of the stars to the peer store, so that a peer id is enough to dial. Default true. */
  discover?: boolean
}

const TYPES = {
  strict: 'boolean',
  listenTimeout: 'number',
  idleStarTimeout: 'number',
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

/** Limit of `setTimeout`. */
const DURATION_MAX = 2 ** 31 - 1

/** Checks what the client does not: names, types, and the options of this package. @throws {InvalidOptionsError} */
export function checkInit(init: WebSocketStarInit): void {
  const types: Record<string, string> = TYPES
  for (const [name, value] of Object.entries(init) as [string, unknown][]) {
    const type = types[name]
    if (type === undefined)
      throw new InvalidOptionsError(`${name}: unknown option, expected one of ${Object.keys(TYPES).join(', ')}`)
    // An option that is undefined counts as omitted.
    if (value !== undefined && (typeof value !== type || value === null)) {
      throw new InvalidOptionsError(`${name}: expected ${nameOf(type)}, got ${JSON.stringify(value)}`)
    }
  }
  for (const name of ['listenTimeout', 'idleStarTimeout'] as const) {
    const { [name]: duration = 1 } = init
    if (duration >= 1 && duration <= DURATION_MAX) continue
    throw new InvalidOptionsError(`${name}: expected milliseconds from 1 to ${DURATION_MAX}, got ${duration}`)
  }
}

function nameOf(type: string): string {
  return type === 'object' ? 'an object' : `a ${type}`
}
