import { InvalidOptionsError } from '@websocket-star/protocol'
import { base58btc } from 'multiformats/bases/base58'
import { toHex } from 'multiformats/bytes'

/** The private key of a peer. Those of `@libp2p/crypto` have this shape. */
export interface StarPrivateKey {
  readonly type: string
  readonly publicKey: StarPublicKey
  sign(data: Uint8Array): Uint8Array | Promise<Uint8Array>
}

export interface StarPublicKey {
  readonly type: string
  /** Ed25519: 32 bytes; secp256k1: 33 bytes; RSA: SubjectPublicKeyInfo (DER). */
  readonly raw: Uint8Array
  /** The peer id as base58btc multihash. */
  toString(): string
}

export interface Ed25519Key extends StarPrivateKey {
  readonly type: 'Ed25519'
  /** The 32 secret bytes of the key. Store them to be the same peer again. */
  readonly seed: Uint8Array
}

/** An Ed25519 key whose private part cannot be exported from the browser. It can be stored as a structured clone. */
export interface NonExtractableKey {
  readonly privateKey: CryptoKey
  /** 32 bytes. */
  readonly publicKey: Uint8Array
}

const SEED_BYTES = 32
/** The bytes before the seed in PKCS #8 (RFC 8410, section 7). */
const PKCS8_HEAD = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/** Key types in libp2p's protobuf of a public key. */
const KEY_TYPES: Readonly<Record<string, number>> = { RSA: 0, Ed25519: 1, secp256k1: 2 }

/** Generates an Ed25519 key from the platform's source of randomness. */
export function generateKey(): Promise<Ed25519Key> {
  return keyFromSeed(crypto.getRandomValues(new Uint8Array(SEED_BYTES)))
}

/** Makes an Ed25519 key from 32 random bytes. The same seed gives the same peer id. @throws {InvalidOptionsError} */
export async function keyFromSeed(seed: Uint8Array): Promise<Ed25519Key> {
  if (seed.byteLength !== SEED_BYTES) {
    throw new InvalidOptionsError(`seed: expected ${SEED_BYTES} bytes, got ${seed.byteLength}`)
  }
  const copy = Uint8Array.from(seed)
  const { raw, sign } = (await fromWebCrypto(copy)) ?? (await fromNoble(copy))
  return { type: 'Ed25519', seed: copy, publicKey: publicKeyOf(raw), sign }
}

/** Returns undefined if the platform has no Ed25519. */
export async function generateNonExtractableKey(): Promise<NonExtractableKey | undefined> {
  return await ifSupported(async (subtle) => {
    const { privateKey, publicKey } = (await subtle.generateKey('Ed25519', false, ['sign', 'verify'])) as CryptoKeyPair
    return await assertCloneable(
      { privateKey, publicKey: new Uint8Array(await subtle.exportKey('raw', publicKey)) },
      subtle
    )
  })
}

/** Returns undefined if the platform has no Ed25519. */
export async function importNonExtractable(seed: Uint8Array): Promise<NonExtractableKey | undefined> {
  const { publicKey } = await keyFromSeed(seed)
  return await ifSupported(async (subtle) => {
    const privateKey = await subtle.importKey('pkcs8', pkcs8Of(seed), 'Ed25519', false, ['sign'])
    return await assertCloneable({ privateKey, publicKey: publicKey.raw }, subtle)
  })
}

export function toPrivateKey({ privateKey, publicKey }: NonExtractableKey): StarPrivateKey {
  const sign = signer(crypto.subtle, privateKey)
  return { type: 'Ed25519', publicKey: publicKeyOf(publicKey), sign }
}

/** @throws if the key does not survive storage: some browsers have Ed25519 but cannot store its keys */
async function assertCloneable(key: NonExtractableKey, subtle: SubtleCrypto): Promise<NonExtractableKey> {
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
  return await ifSupported(async (subtle) => {
    const key = await subtle.importKey('pkcs8', pkcs8Of(seed), 'Ed25519', true, ['sign'])
    const { x = '' } = await subtle.exportKey('jwk', key)
    const raw = Uint8Array.from(atob(x.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    return { raw, sign: signer(subtle, key) }
  })
}

/** Returns undefined without WebCrypto, as in pages loaded over plain HTTP, or if it has no Ed25519. */
async function ifSupported<T>(make: (subtle: SubtleCrypto) => Promise<T>): Promise<T | undefined> {
  // Missing in insecure contexts, contrary to the types.
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

/** Returns the public key as a join sends it: hex of libp2p's protobuf. @throws {InvalidOptionsError} for an unknown type */
export function encodedKey({ type, raw }: StarPublicKey): string {
  return toHex(protobufOf(type, raw))
}

function protobufOf(type: string, raw: Uint8Array): Uint8Array {
  const number = KEY_TYPES[type]
  if (number === undefined) {
    throw new InvalidOptionsError(
      `privateKey: expected a key of type ${Object.keys(KEY_TYPES).join(', ')}, got ${type}`
    )
  }
  // Fields 1 (type, a varint) and 2 (data, bytes); the length of an RSA key takes two bytes.
  const { length } = raw
  const size = length < 0x80 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  return Uint8Array.from([0x08, number, 0x12, ...size, ...raw])
}

/** Returns the peer id of a key that is small enough to be embedded in it, as an identity multihash. */
function identityPeerId(type: string, raw: Uint8Array): string {
  const bytes = protobufOf(type, raw)
  return base58btc.baseEncode(Uint8Array.from([0, bytes.length, ...bytes]))
}
