import { InvalidOptionsError } from '@websocket-star/protocol'
import { base58btc } from 'multiformats/bases/base58'
import { toHex } from 'multiformats/bytes'

/** A key as js-libp2p has it: any private key of `@libp2p/crypto` is one. */
export interface StarPrivateKey {
  readonly type: string
  readonly publicKey: StarPublicKey
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface StarPublicKey {
  readonly type: string
  /** Ed25519: 32 bytes; secp256k1: 33; RSA: the SubjectPublicKeyInfo (DER). */
  readonly raw: Uint8Array
  /** The peer id as base58btc multihash. */
  toString(): string
}

/** An Ed25519 key of this package. */
export interface Ed25519Key extends StarPrivateKey {
  readonly type: 'Ed25519'
  /** The 32 bytes it is made from: keep them, and keep them secret, to be the same peer again. */
  readonly seed: Uint8Array
}

/** An Ed25519 key whose private part the platform gives to nobody; it can be kept where structured clones can. */
export interface SealedKey {
  readonly privateKey: CryptoKey
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

const SEED_BYTES = 32
/** What stands before the seed in PKCS #8 (RFC 8410, section 7). */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/** The number of each type in libp2p's protobuf of a public key. */
const KEY_TYPES: Readonly<Record<string, number>> = { RSA: 0, Ed25519: 1, secp256k1: 2 }

/** A new Ed25519 key, from the platform's source of randomness. */
export function generateKey(): Promise<Ed25519Key> {
  return keyFromSeed(crypto.getRandomValues(new Uint8Array(SEED_BYTES)))
}

/**
 * The Ed25519 key made from a seed: the same seed, the same peer id.
 *
 * @param seed - 32 random bytes
 * @throws {InvalidOptionsError} if it is not 32 bytes
 */
export async function keyFromSeed(seed: Uint8Array): Promise<Ed25519Key> {
  if (seed.byteLength !== SEED_BYTES) {
    throw new InvalidOptionsError(`A seed has ${SEED_BYTES} bytes, got ${seed.byteLength}`)
  }
  const copy = Uint8Array.from(seed)
  const { raw, sign } = (await fromWebCrypto(copy)) ?? (await fromNoble(copy))
  return { type: 'Ed25519', seed: copy, publicKey: publicKeyOf(raw), sign }
}

/** A new key that cannot be read; undefined where the platform makes none. */
export async function generateSealedKey(): Promise<SealedKey | undefined> {
  return await whereSupported(async (subtle) => {
    const { privateKey, publicKey } = (await subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair
    return await cloneable({ privateKey, publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)) }, subtle)
  })
}

/** The key made from a seed, as one that cannot be read; undefined where the platform makes none. */
export async function sealKey(seed: Uint8Array): Promise<SealedKey | undefined> {
  const { publicKey } = await keyFromSeed(seed)
  return await whereSupported(async (subtle) => {
    const privateKey = await subtle.importKey('pkcs8', pkcs8Of(seed), 'Ed25519', false, ['sign'])
    return await cloneable({ privateKey, publicKey: publicKey.raw }, subtle)
  })
}

export function unsealed({ privateKey, publicKey }: SealedKey): StarPrivateKey {
  const sign = signer(crypto.subtle, privateKey)
  return { type: 'Ed25519', publicKey: publicKeyOf(publicKey), sign }
}

/** @throws if a key does not survive being kept, as in browsers that know Ed25519 and cannot store it */
async function cloneable(key: SealedKey, subtle: SubtleCrypto): Promise<SealedKey> {
  const { privateKey } = structuredClone(key)
  await subtle.sign('Ed25519', privateKey, new Uint8Array(1))
  return key
}

function publicKeyOf(raw: Uint8Array): StarPublicKey {
  return { type: 'Ed25519', raw, toString: () => identityPeerId('Ed25519', raw) }
}

interface KeyParts {
  raw: Uint8Array
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

async function fromWebCrypto(seed: Uint8Array): Promise<KeyParts | undefined> {
  return await whereSupported(async (subtle) => {
    const key = await subtle.importKey('pkcs8', pkcs8Of(seed), 'Ed25519', true, ['sign'])
    const { x = '' } = await subtle.exportKey('jwk', key)
    const raw = Uint8Array.from(atob(x.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    return { raw, sign: signer(subtle, key) }
  })
}

/** Undefined where the platform has no WebCrypto, as in pages that came over plain HTTP, or none that knows Ed25519. */
async function whereSupported<T>(make: (subtle: SubtleCrypto) => Promise<T>): Promise<T | undefined> {
  // Missing in insecure contexts, whatever the types say.
  const { subtle } = crypto as { subtle?: SubtleCrypto }
  if (subtle === undefined) return undefined
  try {
    return await make(subtle)
  } catch {
    return undefined
  }
}

function pkcs8Of(seed: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array([...PKCS8_HEAD, ...seed])
}

function signer(subtle: SubtleCrypto, key: CryptoKey): (data: Uint8Array) => Promise<Uint8Array> {
  return async (data) => new Uint8Array(await subtle.sign('Ed25519', key, Uint8Array.from(data)))
}

async function fromNoble(seed: Uint8Array): Promise<KeyParts> {
  const { ed25519 } = await import('@noble/curves/ed25519.js')
  return { raw: ed25519.getPublicKey(seed), sign: (data) => ed25519.sign(data, seed) }
}

/** Hex of libp2p's protobuf of a public key, as a join wants it. @throws {InvalidOptionsError} for a type no star knows */
export function encodedKey({ type, raw }: StarPublicKey): string {
  return toHex(protobufOf(type, raw))
}

function protobufOf(type: string, raw: Uint8Array): Uint8Array {
  const number = KEY_TYPES[type]
  if (number === undefined) {
    throw new InvalidOptionsError(
      `privateKey: a star knows keys of type ${Object.keys(KEY_TYPES).join(', ')}, not ${type}`
    )
  }
  // Fields 1 (type, a varint) and 2 (data, bytes); the length of an RSA key takes two bytes.
  const { length } = raw
  const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  return Uint8Array.from([0x08, number, 0x12, ...size, ...raw])
}

/** Of a key that is small enough to be its own peer id: an identity multihash. */
function identityPeerId(type: string, raw: Uint8Array): string {
  const bytes = protobufOf(type, raw)
  return base58btc.baseEncode(Uint8Array.from([0, bytes.length, ...bytes]))
}
