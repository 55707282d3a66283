import { StarError } from '@websocket-star/protocol'

/** Base class of the errors that a stream fails with. */
export class StreamError extends StarError {
  override readonly name: string = 'StreamError'
  /** The id of the stream. */
  readonly stream: string

  constructor(code: string, stream: string, message: string, options?: ErrorOptions) {
    super(code, `Stream ${stream}: ${message}`, options)
    this.stream = stream
  }
}

/** The other side, or a server between, ended the stream before it was complete; `reason` is what it said. */
export class StreamResetError extends StreamError {
  override readonly name = 'StreamResetError'
  readonly reason: string
  constructor(stream: string, reason: string) {
    super('ERR_STREAM_RESET', stream, `it was ended by the other side: ${reason}`)
    this.reason = reason
  }
}

/** The receiver wants no more, without calling that an error; what was not sent yet is lost. */
export class StreamStoppedError extends StreamError {
  override readonly name = 'StreamStoppedError'
  constructor(stream: string) {
    super('ERR_STREAM_STOPPED', stream, 'the receiver stopped it')
  }
}

/** This side ended the stream before it was complete. */
export class StreamAbortedError extends StreamError {
  override readonly name = 'StreamAbortedError'
  constructor(stream: string, cause?: unknown) {
    super('ERR_STREAM_ABORTED', stream, `it was aborted: ${textOf(cause)}`, { cause })
  }
}

/** The socket lost its connection, or was closed; `reason` is what socket.io said. */
export class ConnectionLostError extends StreamError {
  override readonly name = 'ConnectionLostError'
  readonly reason: string
  constructor(stream: string, reason: string) {
    super('ERR_CONNECTION_LOST', stream, `the connection was lost: ${reason}`)
    this.reason = reason
  }
}

/** The other side broke the rules: a chunk that is no chunk, or more than it was granted. */
export class StreamProtocolError extends StreamError {
  override readonly name = 'StreamProtocolError'
  constructor(stream: string, message: string, options?: ErrorOptions) {
    super('ERR_STREAM_PROTOCOL', stream, message, options)
  }
}

/** A codec could not encode or decode a value; `cause` is what it threw. */
export class CodecError extends StreamError {
  override readonly name = 'CodecError'
  constructor(stream: string, message: string, options?: ErrorOptions) {
    super('ERR_STREAM_CODEC', stream, message, options)
  }
}

/** Something was written after the end. */
export class WriteAfterEndError extends StreamError {
  override readonly name = 'WriteAfterEndError'
  constructor(stream: string) {
    super('ERR_STREAM_WRITE_AFTER_END', stream, 'it has ended, nothing more can be written')
  }
}

/** A stream with this id is open on the same side of the same socket. */
export class StreamIdInUseError extends StreamError {
  override readonly name = 'StreamIdInUseError'
  constructor(stream: string) {
    super('ERR_STREAM_ID_IN_USE', stream, 'the id is in use on this socket')
  }
}

/** The reason of an abort as it is told to the other side: a text, never empty, of at most 256 characters. */
export function textOf(reason: unknown): string {
  // What was said on another stream is passed on as it was said there.
  if (reason instanceof StreamResetError) return textOf(reason.reason)
  if (reason instanceof StreamAbortedError) return textOf(reason.cause)
  const text = reason instanceof Error ? reason.message : typeof reason === 'string' ? reason : ''
  return text === '' ? 'aborted' : text.slice(0, 256)
}
