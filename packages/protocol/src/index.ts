/**
 * The wire protocol between a WebSocketStar server and its clients: events, addresses, keys, the join challenge and errors. Pure
 * functions without I/O, for Node and browsers.
 *
 * @example
 * ```ts
 * import { generateKeyPair } from '@libp2p/crypto/keys'
 * import {
 *   assertNonceFor, createNonce, encodePublicKey, parseAddress, parsePublicKey, rebase, serverUrl, signNonce,
 *   verifySignature
 * } from '@websocket-star/protocol'
 *
 * // The client derives its address and the server's URL.
 * const privateKey = await generateKeyPair('Ed25519')
 * const address = parseAddress(rebase(privateKey.publicKey.toString(), '/dns4/star.example.com/wss/p2p-websocket-star', 'canonical'))
 * console.log(serverUrl(address)) // https://star.example.com
 *
 * // The server checks that the key belongs to the address, and sends a nonce.
 * const key = parsePublicKey(encodePublicKey(privateKey.publicKey))
 * console.log(key.peerIds.includes(address.peerId ?? '')) // true
 * const nonce = createNonce(address)
 *
 * // The client signs the nonce if it is for this address.
 * assertNonceFor(nonce, address)
 * const signature = await signNonce(privateKey, nonce)
 *
 * // The server verifies the signature.
 * console.log(await verifySignature(key, nonce, signature)) // true
 * ```
 *
 * @packageDocumentation
 */

export { ADDRESS_MAX_LENGTH, parseAddress, rebase, serverUrl, shortPeerId } from './address.js'
export type { AddressForm, StarAddress } from './address.js'

export { assertNonceFor, createNonce, NONCE_MAX_LENGTH, parseNonce, signNonce } from './challenge.js'
export type { Nonce, NonceSigner } from './challenge.js'

export {
  InvalidAddressError,
  InvalidKeyError,
  InvalidNonceError,
  InvalidOptionsError,
  InvalidRequestError,
  StarProtocolError,
  unknownPublicAddress,
  WIRE_ERROR_MAX_LENGTH,
  WIRE_ERRORS,
  wireErrorFor
} from './errors.js'
export type { WireError } from './errors.js'

export {
  createDialId,
  DIAL_ID_MAX_LENGTH,
  EVENTS,
  halfName,
  isDialId,
  parseHalfName,
  parseStreamEventName,
  STREAM_EVENT_PREFIX,
  streamEventName
} from './events.js'
export type {
  ClientToServerEvents,
  DialAck,
  HalfSide,
  JoinAck,
  ServerToClientEvents,
  StreamEventArguments,
  StreamEventKind,
  StreamEventName,
  StreamEvents
} from './events.js'

export {
  CREDIT_MAX,
  EXTENSIONS_VERSION,
  parseAcceptOptions,
  parseConnectAnswer,
  parseConnectRequest,
  parseCredit,
  parseDrainNotice,
  parsePeersDelta
} from './extensions.js'
export type {
  AcceptOptions,
  ConnectAnswer,
  ConnectRequest,
  DrainNotice,
  PeersDelta,
  PeersWanted
} from './extensions.js'

export {
  encodePublicKey,
  parsePublicKey,
  PUBLIC_KEY_MAX_BYTES,
  RSA_MAX_BITS,
  RSA_MIN_BITS,
  SIGNATURE_HEX_MAX_LENGTH,
  verifySignature
} from './key.js'
export type { ParsedPublicKey, ParseKeyOptions, StarKeyType, Libp2pPublicKey } from './key.js'

export { isSameServer, locationOf, locationOfHost } from './server-location.js'
export type { ServerLocation } from './server-location.js'

export { ackError, endReason } from './reason.js'

export { StarError } from './star-error.js'

export { JOIN_DATA_MAX_LENGTH, parseDialRequest, parseJoinRequest, parseLeaveRequest } from './requests.js'
export type { DialRequest, JoinRequest, LeaveRequest } from './requests.js'
