import { StarError, WIRE_ERRORS } from '@websocket-star/protocol'

/** A server cannot be reached, or refuses the connection, or the connection to it was lost. The client retries. */
export class ServerUnreachableError extends StarError {
  override readonly name = 'ServerUnreachableError'
  /** The server's text, or that of the platform. */
  readonly reason: string
  /** The HTTP status of a server that refused the connection. */
  readonly status: number | undefined
  constructor(server: string, reason: string, options?: ErrorOptions & { status?: number | undefined }) {
    const hint = hintFor(reason, options?.status)
    super('ERR_SERVER_UNREACHABLE', `${server} could not be reached: ${reason}${hint}`, options)
    this.reason = reason
    this.status = options?.status
  }
}

/** A server did not answer in time: it is silent, or what is between holds back what it says. */
export class ServerSilentError extends ServerUnreachableError {}

/** Returns the status of a server that gave its reason, or the likely meaning of a text of the platform, in parentheses. */
function hintFor(reason: string, status: number | undefined): string {
  if (/^Unexpected server response: (2\d\d|3\d\d|404)$/.test(reason)) {
    return ' (something answers there, but no WebSocketStar server)'
  }
  if (/^Unexpected server response: 403$/.test(reason)) {
    return ' (the server, or a proxy before it, does not allow this origin)'
  }
  if (/^Unexpected server response: 503$/.test(reason)) {
    return ' (the server, or a proxy before it, accepts no new clients at the moment)'
  }
  if (/^Unexpected server response: (502|504)$/.test(reason))
    return ' (a proxy answers, but the server behind it does not)'
  if (/^(socket hang up|read ECONNRESET)$/.test(reason)) {
    return ' (something closed the connection: the server may have too many from this address)'
  }
  if (status !== undefined && !reason.startsWith('Unexpected server response')) return ` (${status})`
  if (/wrong version number/i.test(reason)) return ' (the server may speak ws, not wss)'
  return ''
}

/** A server sent something that violates the protocol. */
export class ServerProtocolError extends StarError {
  override readonly name = 'ServerProtocolError'
  constructor(server: string, message: string, options?: ErrorOptions) {
    super('ERR_SERVER_PROTOCOL', `${server} violates the protocol: ${message}`, options)
  }
}

export class JoinRefusedError extends StarError {
  override readonly name = 'JoinRefusedError'
  /** The server's text, usually one of `WIRE_ERRORS`. */
  readonly reason: string
  constructor(server: string, reason: string) {
    super('ERR_JOIN_REFUSED', `${server} refused the join: ${reason}`)
    this.reason = reason
  }
}

/** The signal of a `join` aborted after an attempt had failed. `cause` is the error of the latest failed attempt. */
export class JoinAbortedError extends StarError {
  /** The name of the signal's reason, such as `TimeoutError` or `AbortError`. */
  override readonly name: string
  /** The signal's reason. */
  readonly reason: unknown
  constructor(reason: unknown, cause: Error) {
    super('ERR_JOIN_ABORTED', `The join was aborted before a server was joined: ${cause.message}`, { cause })
    this.name = reason instanceof Error ? reason.name : 'JoinAbortedError'
    this.reason = reason
  }
}

/** A server admits peers without proof of their identity, and `allowUnchallenged` is off. */
export class ChallengeMissingError extends StarError {
  override readonly name = 'ChallengeMissingError'
  constructor(server: string) {
    super(
      'ERR_CHALLENGE_MISSING',
      `${server} lets peers join without proof of their identity, so anyone can impersonate anyone: ` +
        'pass allowUnchallenged: true to accept that'
    )
  }
}

/** The operation needs a server that is joined. */
export class NotJoinedError extends StarError {
  override readonly name = 'NotJoinedError'
  constructor(message = 'No server is joined at the moment') {
    super('ERR_NOT_JOINED', message)
  }
}

/** No peer with this id is online. */
export class PeerNotFoundError extends StarError {
  override readonly name = 'PeerNotFoundError'
  constructor(target: string) {
    super('ERR_PEER_NOT_FOUND', `${target} is on none of the servers that are joined`)
  }
}

/** The other peer, or a server, refused the dial. */
export class DialRefusedError extends StarError {
  override readonly name = 'DialRefusedError'
  /** The text of the peer or server. */
  readonly reason: string
  constructor(target: string, reason: string) {
    super('ERR_DIAL_REFUSED', `${target} could not be dialled: ${reason}`)
    this.reason = reason
  }
}

/** Neither the other peer nor the server answered the dial in time. */
export class DialTimeoutError extends StarError {
  override readonly name = 'DialTimeoutError'
  constructor(target: string) {
    super('ERR_DIAL_TIMEOUT', `${target} did not answer the dial in time`)
  }
}

/** This client ended a connection to make room for one of another peer: see `maxConnections`. */
export class ConnectionEvictedError extends StarError {
  override readonly name = 'ConnectionEvictedError'
  constructor() {
    super('ERR_CONNECTION_EVICTED', WIRE_ERRORS.evicted)
  }
}

/** `readable` and `writable` were used on a connection together with `pushStreams`. */
export class StreamsInUseError extends StarError {
  override readonly name = 'StreamsInUseError'
  constructor(connection: string, style: 'web' | 'push') {
    const [web, push] = ['readable and writable', 'pushStreams']
    const [used, other] = style === 'web' ? [web, push] : [push, web]
    super('ERR_STREAMS_IN_USE', `Connection ${connection} is used by ${used}: do not use ${other} on it`)
  }
}

export class ClientClosedError extends StarError {
  override readonly name = 'ClientClosedError'
  constructor() {
    super('ERR_CLIENT_CLOSED', 'The client is closed')
  }
}
