import { excerpt } from './excerpt.js'
import { StarError } from './star-error.js'

/** Longest error text sent over the wire, in UTF-16 units. */
export const WIRE_ERROR_MAX_LENGTH = 256

/** UTF-16 units of the names in such a text, of each side. */
const NAMES_MAX_LENGTH = 100

/**
 * Every error text a server sends, in an ack's first argument or as a stream's `error`. Errors on the wire are strings:
 * an `Error` object would arrive as `{}`. The texts of the first server are kept to the letter, since old clients
 * compare them or show them as they are.
 */
export const WIRE_ERRORS = {
  /** Dial: nobody who is online joined under the dialled address. Old text. */
  peerNotFound: 'Peer not found',
  /** Dial: the session has not joined with the address it dials from. Old text. */
  notAuthorized: 'Not authorized for this address',
  /** Join, second round: the signature does not match the nonce and the key. Old text. */
  signatureInvalid: 'Signature Invalid',
  /** Join: the public key could not be read, or is of a type or size that is not accepted. Old text. */
  cryptoError: 'Crypto error',
  /** Join, leave, dial: the address is not a multiaddr, or not of the form this server asks for. Old text. */
  invalidMultiaddr: 'Invalid multiaddr',
  /** Join: the challenge is on and no public key came along. Old text. */
  challengeRequired: 'Crypto Challenge required but no Id provided',
  /** Join: the public key's peer id is not the one in the address. Old text. */
  idNotMatching: 'Id is not matching',
  /** Join, challenge off: a live session holds the address. */
  addressInUse: 'Address in use',
  /** Join: the server knows what it is called, and this is another name. `: ` and both may follow. */
  unknownPublicAddress: 'This server is not known by that address',
  /** Join: the session already holds as many addresses as one session may. */
  tooManyAddresses: 'Too many addresses on one connection',
  /** Join: as many address prefixes are live as the server will keep apart. */
  tooManyPrefixes: 'Too many address prefixes',
  /** Any request: a rate limit, or too many requests unanswered. */
  tooManyRequests: 'Too many requests',
  /** Any request: wrong number or type of arguments. `: ` and what was expected may follow. */
  invalidRequest: 'Invalid request',
  /** Dial: the id is not 1 to 128 characters of `A-Z a-z 0-9 _ ~ . : -`, where nothing more exact is said. */
  invalidDialId: 'Invalid dial id',
  /** Dial: a dial with this id is alive at one of its two ends. */
  dialIdInUse: 'Dial id is in use',
  /** Dial: from and to are the same peer. */
  cannotDialSelf: 'Cannot dial own peer',
  /** Dial: the callee did not answer `ss-incomming` in time. */
  dialTimeout: 'Peer did not answer in time',
  /** Dial and stream: the other side left or lost its connection. */
  peerLeft: 'Peer has left',
  /** Dial: the dialler has as many streams open as one connection to the server may. */
  tooManyStreams: 'Too many streams',
  /** Dial: the same of the callee, and none of its streams gives way. */
  calleeFull: 'Peer has too many streams',
  /** Stream: one of its ends had no room, and a new dial was to have it; both halves of its dial end. */
  gaveWay: 'Gave way to a new connection',
  /** `ss-dial`: too many streams of this connection wait to be accepted. */
  tooManyUnaccepted: 'Too many streams wait to be accepted',
  /** Stream: the receiver never sent `accept`. */
  streamNotAccepted: 'Stream was not accepted in time',
  /** Stream: the sender did not wait for `accept`. */
  dataBeforeAccept: 'Data was sent before the stream was accepted',
  /** Stream: a chunk was not exactly one binary attachment; both halves of its dial end. */
  notBinary: 'Only binary chunks are relayed',
  /** Stream: the sender knows windows and sent more than it had credit for; both halves of its dial end. */
  windowExceeded: 'More was sent than the window allows',
  /** Stream: it held its sender for too long; both halves of its dial end. */
  heldTooLong: 'The receiver took nothing for too long',
  /** Stream: the receiver cannot take more, and the sender, which polls, cannot be made to wait. */
  receiverTooSlow: 'The receiver is too slow',
  /** Dial and stream: the other peer is connected to another server of the star, which was lost. */
  nodeLost: 'The server of the other peer was lost',
  /** Dial: the other servers of the star cannot be reached now; peers of this one can be dialled. */
  notReachable: 'The server of that peer cannot be reached now',
  /** Join: the same address is being decided upon for the same connection. */
  joinUnderWay: 'A join with this address is under way',
  /** Join: the address was left, or the connection ended, while it was decided upon. */
  joinCancelled: 'The join was cancelled',
  /** Any request and stream: the server is going down. */
  serverStopping: 'Server is stopping',
  /** Any request: something failed that is not the client's fault. The server's log says what. */
  internal: 'Internal error',
  /** Any request: an event the server does not know, or not at this point. */
  unexpected: 'Unexpected event'
} as const

/** One of the fixed texts of {@link WIRE_ERRORS}. */
export type WireError = (typeof WIRE_ERRORS)[keyof typeof WIRE_ERRORS]

/** An option or argument has a value that is not allowed; the message names it and says what is allowed. */
export class InvalidOptionsError extends StarError {
  override readonly name = 'InvalidOptionsError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_OPTIONS', message, options)
  }
}

/** Base class of errors about input from the other side: an address, key, nonce or request that is not valid. */
export class StarProtocolError extends StarError {
  override readonly name: string = 'StarProtocolError'
}

/** A text that is no multiaddr, or a multiaddr that cannot be used for what was asked. */
export class InvalidAddressError extends StarProtocolError {
  override readonly name = 'InvalidAddressError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_ADDRESS', message, options)
  }
}

/** A control event whose arguments have the wrong number, type or length. */
export class InvalidRequestError extends StarProtocolError {
  override readonly name = 'InvalidRequestError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_REQUEST', message, options)
  }
}

/** A public key that cannot be read, or is not of an accepted type and size. */
export class InvalidKeyError extends StarProtocolError {
  override readonly name = 'InvalidKeyError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_KEY', message, options)
  }
}

/** A nonce that is not of this protocol, or was made for another address than the one being joined. */
export class InvalidNonceError extends StarProtocolError {
  override readonly name = 'InvalidNonceError'
  constructor(message: string, options?: ErrorOptions) {
    super('ERR_INVALID_NONCE', message, options)
  }
}

/**
 * The text to answer a request with when handling it threw `error`. Only what the caller did wrong is told; anything
 * else is `Internal error`, since an unforeseen message may carry what is not the caller's business.
 */
export function wireErrorFor(error: unknown): string {
  if (error instanceof InvalidAddressError) return WIRE_ERRORS.invalidMultiaddr
  if (error instanceof InvalidKeyError) return WIRE_ERRORS.cryptoError
  if (error instanceof InvalidRequestError) {
    return excerpt(`${WIRE_ERRORS.invalidRequest}: ${error.message}`, WIRE_ERROR_MAX_LENGTH)
  }
  return WIRE_ERRORS.internal
}

/** The text for a join under a name that is not the server's. It begins with {@link WIRE_ERRORS.unknownPublicAddress}. */
export function unknownPublicAddress(asked: string, known: readonly string[]): string {
  const shown = [asked, known.join(', ')].map((names) => excerpt(names, NAMES_MAX_LENGTH))
  return excerpt(`${WIRE_ERRORS.unknownPublicAddress}: ${shown[0]}. It is ${shown[1]}`, WIRE_ERROR_MAX_LENGTH)
}
