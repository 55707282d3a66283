import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import type { Signer } from '@websocket-star/testkit'

/** A key pair as a client of the star uses it. */
export interface Identity extends Signer {
  /** The public key's protobuf. */
  publicKey: Uint8Array
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
