import { excerpt } from './excerpt.js'
import { StarError } from './star-error.js'

/** Longest error text sent over the wire, in UTF-16 units. */
export const WIRE_ERROR_MAX_LENGTH = 256

/** Longest excerpt of the names on either side of {@link unknownPublicAddress}. */
const NAMES_MAX_LENGTH = 100

/**
 * The error texts that a server sends, in the first argument of an acknowledgement or as the `error` of a stream. They are
 * strings, since an `Error` object would arrive as `{}`. The README has the meaning of each.
 */
export const WIRE_ERRORS = {
  // The texts of the first server, which old clients compare or show.
  peerNotFound: 'Peer not found',
  notAuthorized: 'Not authorized for this address',
  signatureInvalid: 'Signature Invalid',
  cryptoError: 'Crypto error',
  invalidMultiaddr: 'Invalid multiaddr',
  challengeRequired: 'Crypto Challenge required but no Id provided',
  idNotMatching: 'Id is not matching',

  // Joins.
  addressInUse: 'Address in use',
  /** May continue with `: `, the address of the join and the names of the server. */
  unknownPublicAddress: 'This server is not known by that address',
  tooManyAddresses: 'Too many addresses on one connection',
  tooManyPrefixes: 'Too many address prefixes',
  joinUnderWay: 'A join with this address is under way',
  joinCancelled: 'The join was cancelled',

  // Dials.
  invalidDialId: 'Invalid dial id',
  dialIdInUse: 'Dial id is in use',
  cannotDialSelf: 'Cannot dial own peer',
  dialTimeout: 'Peer did not answer in time',
  tooManyStreams: 'Too many streams',
  calleeFull: 'Peer has too many streams',
  tooManyUnaccepted: 'Too many streams wait to be accepted',
  notReachable: 'The server of that peer cannot be reached now',

  // Dials and streams.
  peerLeft: 'Peer has left',
  nodeLost: 'The server of the other peer was lost',

  // Streams.
  evicted: 'Gave way to a new connection',
  streamNotAccepted: 'Stream was not accepted in time',
  unknownStream: 'Unknown stream',
  dataBeforeAccept: 'Data was sent before the stream was accepted',
  notBinary: 'Only binary chunks are relayed',
  windowExceeded: 'More was sent than the window allows',
  pausedTooLong: 'The receiver took nothing for too long',
  receiverTooSlow: 'The receiver is too slow',

  // Any request.
  tooManyRequests: 'Too many requests',
  /** May continue with `: ` and what was expected. */
  invalidRequest: 'Invalid request',
  serverStopping: 'Server is stopping',
  internal: 'Internal error',
  unexpected: 'Unexpected event'
} as const

export type WireError = (typeof WIRE_ERRORS)[keyof typeof WIRE_ERRORS]

/** The value of an option or argument is not allowed. The message names it and says what is allowed. */
export class InvalidOptionsError extends StarError {
  override readonly name = 'InvalidOptionsError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_OPTIONS', message, options)
  }
}

/** Base class of the errors for malformed input from a server or client. */
export class StarProtocolError extends StarError {
  override readonly name: string = 'StarProtocolError'
}

/** A text is not a multiaddr, or not of the form that is needed. */
export class InvalidAddressError extends StarProtocolError {
  override readonly name = 'InvalidAddressError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_ADDRESS', message, options)
  }
}

/** The arguments of a control event have the wrong number, type or length. */
export class InvalidRequestError extends StarProtocolError {
  override readonly name = 'InvalidRequestError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_REQUEST', message, options)
  }
}

/** A public key cannot be read, or its type or size is not accepted. */
export class InvalidKeyError extends StarProtocolError {
  override readonly name = 'InvalidKeyError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_KEY', message, options)
  }
}

/** A nonce is malformed, or for another address than the one being joined. */
export class InvalidNonceError extends StarProtocolError {
  override readonly name = 'InvalidNonceError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_NONCE', message, options)
  }
}

/**
 * Returns the text to answer a request with when handling it threw `error`. Errors that the client did not cause become
 * `Internal error`, since their messages may contain private details.
 */
export function wireErrorFor(error: unknown): string {
  if (error instanceof InvalidAddressError) return WIRE_ERRORS.invalidMultiaddr
  if (error instanceof InvalidKeyError) return WIRE_ERRORS.cryptoError
  if (error instanceof InvalidRequestError) {
    return excerpt(`${WIRE_ERRORS.invalidRequest}: ${error.message}`, WIRE_ERROR_MAX_LENGTH)
  }
  return WIRE_ERRORS.internal
}

/** Returns the text for a join under a name that is not one of the server's. */
export function unknownPublicAddress(asked: string, known: readonly string[]): string {
  const shown = [asked, known.join(', ')].map((names) => excerpt(names, NAMES_MAX_LENGTH))
  return excerpt(`${WIRE_ERRORS.unknownPublicAddress}: ${shown[0]}. It is ${shown[1]}`, WIRE_ERROR_MAX_LENGTH)
}
