import { publicKeyFromRaw, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PublicKey, RSAPublicKey } from '@libp2p/interface'
import { sha256 } from '@noble/hashes/sha2.js'
import { base58btc } from 'multiformats/bases/base58'
import { base64, base64url } from 'multiformats/bases/base64'
import { equals, fromHex, toHex } from 'multiformats/bytes'
import { create as createDigest } from 'multiformats/hashes/digest'
import { InvalidKeyError } from './errors.js'
import { kindOf } from './excerpt.js'

/** Largest public key as a libp2p protobuf, in bytes. RSA 8192 takes 1067. */
export const PUBLIC_KEY_MAX_BYTES = 1200

/** Smallest RSA modulus accepted by default, in bits: demos of legacy browser peers used 1024. */
export const RSA_MIN_BITS = 1024

/** Largest RSA modulus accepted by default, in bits: the cost of verifying grows with its square. */
export const RSA_MAX_BITS = 8192

/** Longest signature in hex: that of RSA 8192, with some tolerance. */
export const SIGNATURE_HEX_MAX_LENGTH = 2 * 1024 + 16

export type StarKeyType = 'RSA' | 'Ed25519' | 'secp256k1'

/** Key types by their number in libp2p's protobuf, without ECDSA (3), which no WebSocketStar client used. */
const KEY_TYPES: readonly StarKeyType[] = ['RSA', 'Ed25519', 'secp256k1']

/** Maximum that keeps verifying cheap; all real keys use 65537 or 3. */
const RSA_EXPONENT_MAX_BYTES = 4

const SHA2_256 = 0x12
const IDENTITY = 0x00

export interface ParseKeyOptions {
  /** Smallest RSA modulus, in bits. Default 1024. */
  minRsaBits?: number
  /** Largest RSA modulus, in bits. Default 8192. */
  maxRsaBits?: number
}

/**
 * A public key of `@libp2p/crypto`. Declared here because the types of libp2p need those of Node, which users of this package
 * may not have.
 */
export interface Libp2pPublicKey {
  readonly type: string
  readonly raw: Uint8Array
  verify(data: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>
  /** The peer id as base58btc multihash. */
  toString(): string
}

export interface ParsedPublicKey {
  readonly key: Libp2pPublicKey
  readonly type: StarKeyType
  /** The peer ids of this key: SHA-256 ('Qm…', used by legacy libp2p), then identity ('12D3Koo…', '16Uiu2…') if it is small. */
  readonly peerIds: readonly string[]
}

/** Encodes a public key as clients send it in a join: hex of the libp2p protobuf. */
export function encodePublicKey({ type, raw }: Pick<Libp2pPublicKey, 'type' | 'raw'>): string {
  return toHex(publicKeyToProtobuf({ type, raw } as PublicKey)) // it reads these two
}

/**
 * Parses a public key: hex or base64 (any alphabet, padded or not) of the libp2p protobuf. Clients send hex; the protocol's
 * specification says base64.
 *
 * @throws {InvalidKeyError} unless it is an RSA, Ed25519 or secp256k1 key in its canonical encoding: another encoding of the
 * same key would have another peer id
 */
export function parsePublicKey(text: string, options: ParseKeyOptions = {}): ParsedPublicKey {
  const bytes = decodeText(text)
  const type = KEY_TYPES[bytes[1] ?? -1]
  if (type === undefined) throw new InvalidKeyError('Expected a libp2p public key of type RSA, Ed25519 or secp256k1')
  const key = keyFromProtobuf(bytes)
  if (key.type !== type || !equals(reencode(key), bytes)) {
    throw new InvalidKeyError(`The ${type} key is not in its canonical encoding`)
  }
  if (key.type === 'RSA') assertRsaWithin(key, options)
  const hashed = peerId(SHA2_256, sha256(bytes))
  return { key, type, peerIds: type === 'RSA' ? [hashed] : [hashed, peerId(IDENTITY, bytes)] }
}

/** Verifies the signature of a nonce's characters. Resolves with false for malformed signatures, and never rejects. */
export async function verifySignature(key: ParsedPublicKey, nonce: string, signatureHex: string): Promise<boolean> {
  if (typeof signatureHex !== 'string' || signatureHex.length > SIGNATURE_HEX_MAX_LENGTH) return false
  if (!isHex(signatureHex)) return false
  try {
    return await key.key.verify(new TextEncoder().encode(nonce), fromHex(signatureHex))
  } catch {
    return false
  }
}

function decodeText(text: unknown): Uint8Array {
  if (typeof text !== 'string') throw new InvalidKeyError(`A public key must be a string, got ${kindOf(text)}`)
  if (text.length > 2 * PUBLIC_KEY_MAX_BYTES) {
    throw new InvalidKeyError(`A public key must be at most ${2 * PUBLIC_KEY_MAX_BYTES} characters, got ${text.length}`)
  }
  // The base64 of a libp2p key is never valid hex: its third or fourth character is beyond F.
  const bytes = isHex(text) ? fromHex(text) : decodeBase64(text)
  if (bytes.length > PUBLIC_KEY_MAX_BYTES) {
    throw new InvalidKeyError(`A public key must be at most ${PUBLIC_KEY_MAX_BYTES} bytes, got ${bytes.length}`)
  }
  return bytes
}

function isHex(text: string): boolean {
  return text.length > 0 && text.length % 2 === 0 && /^[0-9a-fA-F]+$/.test(text)
}

function decodeBase64(text: string): Uint8Array {
  const unpadded = text.replace(/={1,2}$/, '')
  const base = /[-_]/.test(unpadded) ? base64url : base64
  try {
    return base.decoder.decode(`${base.prefix}${unpadded}`)
  } catch (cause) {
    throw new InvalidKeyError('A public key must be hex or base64', { cause })
  }
}

/**
 * Parses the payload only. The caller checks the header by encoding the key again. `publicKeyFromProtobuf` is not usable, because
 * its size check rejects RSA 8192 by one byte.
 */
function keyFromProtobuf(bytes: Uint8Array): PublicKey {
  const lengthBytes = (bytes[3] ?? 0) < 0x80 ? 1 : 2
  try {
    return publicKeyFromRaw(bytes.subarray(3 + lengthBytes))
  } catch (cause) {
    throw new InvalidKeyError('The public key could not be read', { cause })
  }
}

function reencode(key: PublicKey): Uint8Array {
  try {
    return publicKeyToProtobuf(key)
  } catch (cause) {
    throw new InvalidKeyError('The public key could not be read', { cause })
  }
}

function assertRsaWithin(key: RSAPublicKey, options: ParseKeyOptions): void {
  const { minRsaBits = RSA_MIN_BITS, maxRsaBits = RSA_MAX_BITS } = options
  const modulus = base64url.decoder.decode(`u${key.jwk.n ?? ''}`)
  const exponent = base64url.decoder.decode(`u${key.jwk.e ?? ''}`)
  const bits = bitLength(modulus)
  if (bits < minRsaBits || bits > maxRsaBits) {
    throw new InvalidKeyError(`An RSA key must have ${minRsaBits} to ${maxRsaBits} bits, got ${bits}`)
  }
  if (!isOdd(modulus)) throw new InvalidKeyError('An RSA modulus must be odd')
  const isOne = exponent.length === 1 && exponent[0] === 1
  if (exponent.length > RSA_EXPONENT_MAX_BYTES || !isOdd(exponent) || isOne) {
    throw new InvalidKeyError('An RSA exponent must be odd, at least 3 and at most 32 bits')
  }
}

/** @param integer - unsigned, big-endian, without leading zero bytes */
function bitLength(integer: Uint8Array): number {
  return integer.length === 0 ? 0 : integer.length * 8 - (Math.clz32(integer[0] ?? 0) - 24)
}

function isOdd(integer: Uint8Array): boolean {
  return ((integer.at(-1) ?? 0) & 1) === 1
}

function peerId(hashCode: number, digest: Uint8Array): string {
  return base58btc.encoder.baseEncode(createDigest(hashCode, digest).bytes)
}
