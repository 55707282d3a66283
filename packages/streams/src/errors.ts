import { StarError, WIRE_ERRORS } from '@websocket-star/protocol'

/** Base class of the errors that a stream fails with. */
export class StreamError extends StarError {
  override readonly name: string = 'StreamError'
  /** Id of the stream. */
  readonly stream: string

  constructor(code: string, stream: string, message: string, options?: ErrorOptions) {
    super(code, `Stream ${stream}: ${message}`, options)
    this.stream = stream
  }
}

/** The other side, or a server in between, ended the stream early; `reason` is the text it sent. */
export class StreamResetError extends StreamError {
  override readonly name = 'StreamResetError'
  readonly reason: string
  constructor(stream: string, reason: string) {
    super('ERR_STREAM_RESET', stream, `it was ended by the other side: ${reason}`)
    this.reason = reason
  }
}

/** The receiver stopped reading deliberately and reports no error. Data that was not sent yet is lost. */
export class StreamStoppedError extends StreamError {
  override readonly name = 'StreamStoppedError'
  constructor(stream: string) {
    super('ERR_STREAM_STOPPED', stream, 'the receiver stopped it')
  }
}

/** This side ended the stream early; `cause` is the reason given to `abort`. */
export class StreamAbortedError extends StreamError {
  override readonly name = 'StreamAbortedError'
  constructor(stream: string, cause?: unknown) {
    super('ERR_STREAM_ABORTED', stream, `it was aborted: ${reasonText(cause)}`, { cause })
  }
}

/** The receiver did not accept the stream within `acceptTimeout`. */
export class StreamNotAcceptedError extends StreamError {
  override readonly name = 'StreamNotAcceptedError'
  constructor(stream: string, timeout: number) {
    const advice = 'the other side has to create the source with this id on its end of the same socket'
    super('ERR_STREAM_NOT_ACCEPTED', stream, `it was not accepted within ${timeout} ms: ${advice}`)
  }
}

/** The socket lost its connection, or was closed; `reason` is socket.io's. */
export class ConnectionLostError extends StreamError {
  override readonly name = 'ConnectionLostError'
  readonly reason: string
  constructor(stream: string, reason: string) {
    super('ERR_CONNECTION_LOST', stream, `the connection was lost: ${reason}`)
    this.reason = reason
  }
}

/** The other side violated the protocol: it sent more than it was granted. */
export class StreamProtocolError extends StreamError {
  override readonly name = 'StreamProtocolError'
  constructor(stream: string, message: string, options?: ErrorOptions) {
    super('ERR_STREAM_PROTOCOL', stream, message, options)
  }
}

/** A value could not be encoded or decoded; `cause` is the error that the codec threw. */
export class CodecError extends StreamError {
  override readonly name = 'CodecError'
  constructor(stream: string, message: string, options?: ErrorOptions) {
    super('ERR_STREAM_CODEC', stream, message, options)
  }
}

/** `write` was called after `end`. */
export class WriteAfterEndError extends StreamError {
  override readonly name = 'WriteAfterEndError'
  constructor(stream: string) {
    super('ERR_STREAM_WRITE_AFTER_END', stream, 'it has ended: nothing can be written after end()')
  }
}

/** A stream with this id is already open in the same direction on the same socket. */
export class StreamIdInUseError extends StreamError {
  override readonly name = 'StreamIdInUseError'
  constructor(stream: string) {
    super('ERR_STREAM_ID_IN_USE', stream, 'the id is already in use on this socket: choose another, or omit it')
  }
}

/** Returns whether an error ended the stream on this side, and was not received or caused by the connection. */
export function isOwnError(error: StreamError | undefined): error is StreamError {
  return (
    error !== undefined &&
    !(error instanceof StreamResetError || error instanceof StreamStoppedError || error instanceof ConnectionLostError)
  )
}

/** Returns the text that tells the other side why a stream was aborted: 1 to 256 characters. */
export function reasonText(reason: unknown): string {
  // A reason that came from another stream is forwarded unchanged, without the prefix of its error.
  if (reason instanceof StreamResetError) return reasonText(reason.reason)
  if (reason instanceof StreamAbortedError) return reasonText(reason.cause)
  if (reason instanceof StreamNotAcceptedError) return WIRE_ERRORS.streamNotAccepted
  const text = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : ''
  return text === '' ? 'aborted' : text.slice(0, 256)
}
