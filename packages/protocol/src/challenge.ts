import { toHex } from 'multiformats/bytes'
import { base64url } from 'multiformats/bases/base64'
import { ADDRESS_MAX_LENGTH, parseAddress } from './address.js'
import type { StarAddress } from './address.js'
import { InvalidNonceError } from './errors.js'
import { kindOf, quoted } from './excerpt.js'

/**
 * A nonce is `websocket-star:join:1 <canonical address> <43 base64url characters>`. The fixed start keeps clients from signing
 * arbitrary bytes, and the address makes a signature useless on another star. Legacy clients sign any text.
 */
const DOMAIN = 'websocket-star:join:1'

const RANDOM_BYTES = 32
const RANDOM_LENGTH = 43

/** Unpadded base64url of 32 bytes: the last character holds four bits, so only sixteen characters are possible. */
const RANDOM = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** Longest nonce, in characters. */
export const NONCE_MAX_LENGTH = DOMAIN.length + 1 + ADDRESS_MAX_LENGTH + 1 + RANDOM_LENGTH

export interface Nonce {
  /** The only address that a signature of this nonce is valid for. */
  readonly address: StarAddress
  readonly random: string
}

/** Any private key of libp2p. */
export interface NonceSigner {
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/**
 * Creates a nonce for one join of one address.
 *
 * @param random - fills an array with random bytes. Default: the platform's cryptographic source
 */
export function createNonce(
  address: StarAddress,
  random: (bytes: Uint8Array<ArrayBuffer>) => void = (bytes) => void crypto.getRandomValues(bytes)
): string {
  const bytes = new Uint8Array(RANDOM_BYTES)
  random(bytes)
  return `${DOMAIN} ${address.canonical} ${base64url.encoder.baseEncode(bytes)}`
}

/**
 * Parses a nonce of this protocol.
 *
 * @throws {InvalidNonceError} for anything else, such as the bare nonces of legacy servers
 */
export function parseNonce(nonce: unknown): Nonce {
  if (typeof nonce !== 'string') throw new InvalidNonceError(`A nonce must be a string, got ${kindOf(nonce)}`)
  if (nonce.length > NONCE_MAX_LENGTH) {
    throw new InvalidNonceError(`A nonce must be at most ${NONCE_MAX_LENGTH} characters, got ${nonce.length}`)
  }
  const [domain, addressText, random, ...rest] = nonce.split(' ')
  if (domain !== DOMAIN || addressText === undefined || random === undefined || rest.length > 0) {
    throw new InvalidNonceError(`Expected a nonce "${DOMAIN} <address> <random>", got ${quoted(nonce)}`)
  }
  if (!RANDOM.test(random)) {
    throw new InvalidNonceError(`A nonce must end in ${RANDOM_BYTES} random bytes as base64url, got ${quoted(random)}`)
  }
  const address = addressOf(addressText)
  // Only one spelling is valid, since the signature covers the text.
  if (address.canonical !== addressText) {
    throw new InvalidNonceError(
      `A nonce must name its address as ${quoted(address.canonical)}, got ${quoted(addressText)}`
    )
  }
  return { address, random }
}

/**
 * Checks that a nonce is for the address being joined, before a client signs it. Otherwise a hostile server could relay the nonce
 * of another star and join there as this client.
 *
 * @throws {InvalidNonceError} if it is for another address, or not a nonce of this protocol
 */
export function assertNonceFor(nonce: unknown, address: StarAddress): void {
  const named = parseNonce(nonce).address
  if (named.canonical === address.canonical) return
  throw new InvalidNonceError(
    `The server asked to sign a nonce for ${quoted(named.canonical)} while joining ${quoted(address.canonical)}: ` +
      'it may be relaying the nonce of another star. Do not join this server'
  )
}

/**
 * Signs the characters of a nonce. Any text is accepted: call {@link assertNonceFor} first, unless the server is a trusted legacy
 * server.
 *
 * @returns the signature in hex, as the second round of a join sends it
 */
export async function signNonce(privateKey: NonceSigner, nonce: string): Promise<string> {
  return toHex(await privateKey.sign(new TextEncoder().encode(nonce)))
}

function addressOf(text: string): StarAddress {
  try {
    return parseAddress(text)
  } catch (cause) {
    throw new InvalidNonceError(`The address in a nonce could not be read: ${quoted(text)}`, { cause })
  }
}
