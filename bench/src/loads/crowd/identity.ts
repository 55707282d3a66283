import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import type { Signer } from '@websocket-star/testkit'
import { peerIdOf } from '../../wire/peer-id.js'

/** A key pair with the peer id that legacy libp2p gave to every key: `Qm…`. */
export interface Identity extends Signer {
  sign(nonce: string): string
}

/** libp2p's protobuf before an Ed25519 key of 32 bytes: type 1, length. */
const ED25519_HEAD = Buffer.of(0x08, 1, 0x12, 32)
/** The same before an RSA key: type 0, and a length of two bytes to come. */
const RSA_HEAD = Buffer.of(0x08, 0, 0x12)
const ED25519_SIZE = 32

/** Each of them has a key of its own: ten thousand take a second. */
export function ed25519Identities(count: number): Identity[] {
  return Array.from({ length: count }, () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-ED25519_SIZE)
    return identityOf(Buffer.concat([ED25519_HEAD, raw]), (nonce) => sign(null, nonce, privateKey))
  })
}

/** @param pem - a private key */
export function rsaIdentity(pem: string): Identity {
  const privateKey: KeyObject = createPrivateKey(pem)
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  const length = Buffer.of((der.length & 0x7f) | 0x80, der.length >> 7)
  return identityOf(Buffer.concat([RSA_HEAD, length, der]), (nonce) => sign('sha256', nonce, privateKey))
}

function identityOf(key: Buffer, sign: (nonce: Buffer) => Buffer): Identity {
  return {
    id: peerIdOf(createHash('sha256').update(key).digest()),
    publicKeyHex: key.toString('hex'),
    sign: (nonce) => sign(Buffer.from(nonce)).toString('hex')
  }
}
