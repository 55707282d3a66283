import { StarError } from '@websocket-star/protocol'

/** A star could not be joined within `listenTimeout`. */
export class ListenTimeoutError extends StarError {
  override readonly name = 'ListenTimeoutError'
  constructor(server: string | undefined, milliseconds: number) {
    super('ERR_LISTEN_TIMEOUT', `${server} was not joined within ${milliseconds} ms`)
  }
}

/** Another node with the same key was joined when this one tried to listen. */
export class PeerTakenOverError extends StarError {
  override readonly name = 'PeerTakenOverError'
  constructor() {
    super('ERR_PEER_TAKEN_OVER', 'Another node with the same key is joined instead of this one')
  }
}

/** The listener that a connection came through was closed. */
export class ListenerClosedError extends StarError {
  override readonly name = 'ListenerClosedError'
  constructor() {
    super('ERR_LISTENER_CLOSED', 'The listener was closed')
  }
}

/** Both ends of a connection waited to write before they read on, which `@libp2p/tls` does. */
export class ConnectionStalledError extends StarError {
  override readonly name = 'ConnectionStalledError'
  constructor(unsent: number) {
    super(
      'ERR_CONNECTION_STALLED',
      `Both ends of the connection wait to write before they read on, with ${unsent} bytes unsent. ` +
        'Encrypt with noise() of @libp2p/noise instead of tls()'
    )
  }
}
