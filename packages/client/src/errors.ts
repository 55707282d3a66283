import { StarError, WIRE_ERRORS } from '@websocket-star/protocol'

/** No connection to a server could be made, or it was lost; the client tries again by itself. */
export class ServerUnreachableError extends StarError {
  override readonly name = 'ServerUnreachableError'
  constructor(server: string, reason: string, options?: ErrorOptions) {
    super('ERR_SERVER_UNREACHABLE', `${server} could not be reached: ${reason}${hintFor(reason)}`, options)
  }
}

/** What the platform's words, as far as it has any, most likely mean. */
function hintFor(reason: string): string {
  if (/^Unexpected server response: (2\d\d|3\d\d|404)$/.test(reason)) {
    return ' (something answers there, but no WebSocketStar server)'
  }
  if (/^Unexpected server response: 503$/.test(reason))
    return ' (the server, or a proxy before it, takes no new clients at the moment)'
  if (/wrong version number/i.test(reason)) return ' (the server may speak ws, not wss)'
  return ''
}

/** A server said something that is not in the protocol. */
export class ServerProtocolError extends StarError {
  override readonly name = 'ServerProtocolError'
  constructor(server: string, message: string, options?: ErrorOptions) {
    super('ERR_SERVER_PROTOCOL', `${server} does not keep to the protocol: ${message}`, options)
  }
}

/** A server refused the join; `reason` is what it said. */
export class JoinRefusedError extends StarError {
  override readonly name = 'JoinRefusedError'
  readonly reason: string
  constructor(server: string, reason: string) {
    super('ERR_JOIN_REFUSED', `${server} refused the join: ${reason}`)
    this.reason = reason
  }
}

/** A server did not ask for a proof of the key, and the client insists on one. */
export class ChallengeMissingError extends StarError {
  override readonly name = 'ChallengeMissingError'
  constructor(server: string) {
    super(
      'ERR_CHALLENGE_MISSING',
      `${server} lets peers join without proof of their identity, so that anyone may pose as anyone: ` +
        'pass allowUnchallenged: true if that is what you want'
    )
  }
}

/** Nothing can be dialled, or left, where no server is joined. */
export class NotJoinedError extends StarError {
  override readonly name = 'NotJoinedError'
  constructor(message = 'No server is joined at the moment') {
    super('ERR_NOT_JOINED', message)
  }
}

/** Nobody who is online has this peer id. */
export class PeerNotFoundError extends StarError {
  override readonly name = 'PeerNotFoundError'
  constructor(target: string) {
    super('ERR_PEER_NOT_FOUND', `${target} is on none of the servers that are joined`)
  }
}

/** The peer, or a server, refused the dial; `reason` is what it said. */
export class DialRefusedError extends StarError {
  override readonly name = 'DialRefusedError'
  readonly reason: string
  constructor(target: string, reason: string) {
    super('ERR_DIAL_REFUSED', `${target} could not be dialled: ${reason}`)
    this.reason = reason
  }
}

/** The peer, or the server, did not answer a dial in time. */
export class DialTimeoutError extends StarError {
  override readonly name = 'DialTimeoutError'
  constructor(target: string) {
    super('ERR_DIAL_TIMEOUT', `${target} did not answer the dial in time`)
  }
}

/** The client ended a connection of another peer because it had as many as it may and a new one came: see `maxConnections`. */
export class GaveWayError extends StarError {
  override readonly name = 'GaveWayError'
  constructor() {
    super('ERR_GAVE_WAY', WIRE_ERRORS.gaveWay)
  }
}

/** The client is closed. */
export class ClientClosedError extends StarError {
  override readonly name = 'ClientClosedError'
  constructor() {
    super('ERR_CLIENT_CLOSED', 'The client is closed')
  }
}
