import { toHex } from 'multiformats/bytes'
import { base64url } from 'multiformats/bases/base64'
import { ADDRESS_MAX_LENGTH, parseAddress } from './address.js'
import type { StarAddress } from './address.js'
import { InvalidNonceError } from './errors.js'
import { kindOf, quoted } from './excerpt.js'

/**
 * A nonce is `websocket-star:join:1 <canonical address> <43 base64url characters>`: it says what signing it is good for,
 * so a client never signs arbitrary bytes, and where, so a signature cannot be carried to another star. Legacy clients
 * sign whatever text they are sent; to them it is a nonce like any other.
 */
const DOMAIN = 'websocket-star:join:1'

const RANDOM_BYTES = 32
const RANDOM_LENGTH = 43

/** Base64url of 32 bytes without padding: the last character carries four bits, so only sixteen of them can end it. */
const RANDOM = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/

/** Longest nonce, in characters. */
export const NONCE_MAX_LENGTH = DOMAIN.length + 1 + ADDRESS_MAX_LENGTH + 1 + RANDOM_LENGTH

export interface Nonce {
  /** The one address a signature of this nonce is good for. */
  readonly address: StarAddress
  /** 32 random bytes as base64url. */
  readonly random: string
}

/** What signs a nonce: any libp2p private key. */
export interface NonceSigner {
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

/**
 * A fresh nonce for one join of one address.
 *
 * @param random fills an array with random bytes; by default the platform's cryptographic source
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
 * Reads a nonce of this protocol.
 *
 * @throws InvalidNonceError for anything else, such as the bare nonces of legacy servers
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
  // One nonce has one spelling: two texts that mean the same would be two things to sign.
  if (address.canonical !== addressText) {
    throw new InvalidNonceError(
      `A nonce must name its address as ${quoted(address.canonical)}, got ${quoted(addressText)}`
    )
  }
  return { address, random }
}

/**
 * What a client does before it signs: the nonce must be made for exactly the address it is joining with. Otherwise the
 * server could pass on the nonce of another star, and join there in this client's name.
 *
 * @throws InvalidNonceError if it is another address, or no nonce of this protocol
 */
export function assertNonceFor(nonce: unknown, address: StarAddress): void {
  const named = parseNonce(nonce).address
  if (named.canonical === address.canonical) return
  throw new InvalidNonceError(
    `The server asked to sign a nonce for ${quoted(named.canonical)} while joining ${quoted(address.canonical)}: ` +
      'it may be passing on the nonce of another star. Do not join this server'
  )
}

/**
 * Signs the characters of a nonce as they are. Any text is signed: call {@link assertNonceFor} first, unless the server
 * is a legacy one and trusted.
 *
 * @returns the signature as hex, as the second round of a join wants it
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
