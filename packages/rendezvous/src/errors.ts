import { StarError } from '@websocket-star/protocol'

/** `start` or `attach` was called on a server that is starting or running. */
export class AlreadyStartedError extends StarError {
  override readonly name = 'AlreadyStartedError'
  constructor() {
    super('ERR_ALREADY_STARTED', 'This server is already started: stop it first, or create another one')
  }
}

/** `stop` or `drain` was called before the server listened. */
export class StartAbortedError extends StarError {
  override readonly name = 'StartAbortedError'
  constructor() {
    super('ERR_START_ABORTED', 'This server was stopped before it listened: start it again if it should run')
  }
}

/** `address` was called on a server that is not listening on a port. */
export class NotListeningError extends StarError {
  override readonly name = 'NotListeningError'
  constructor() {
    super('ERR_NOT_LISTENING', 'This server is not listening: wait for start() or attach() first')
  }
}

/** Redis could not be reached at the start, or refused the user, the password or a command; `cause` is its error. */
export class RedisError extends StarError {
  override readonly name = 'RedisError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_REDIS', message, options)
  }
}
