import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

/** A key pair as a client of the star uses it. */
export interface Identity {
  /** The peer id, in base58. */
  id: string
  /** The public key's protobuf. */
  publicKey: Uint8Array
  /** The same in hex, as legacy clients send it. */
  publicKeyHex: string
  /** Signs the nonce's bytes as they are; hex. */
  sign(nonce: string): Promise<string>
}

export type KeyKind = 'Ed25519' | 'secp256k1' | 'RSA'

/** @param bits for RSA only; default 2048 */
export async function createIdentity(kind: KeyKind = 'Ed25519', bits = 2048): Promise<Identity> {
  const key: PrivateKey = kind === 'RSA' ? await generateKeyPair(kind, bits) : await generateKeyPair(kind as 'Ed25519')
  const publicKey = publicKeyToProtobuf(key.publicKey)
  return {
    id: key.publicKey.toString(),
    publicKey,
    publicKeyHex: Buffer.from(publicKey).toString('hex'),
    sign: async (nonce) => Buffer.from(await key.sign(Buffer.from(nonce))).toString('hex')
  }
}

export async function createIdentities(count: number): Promise<Identity[]> {
  return await Promise.all(Array.from({ length: count }, async () => await createIdentity()))
}
