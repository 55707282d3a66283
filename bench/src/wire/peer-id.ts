import { randomBytes } from 'node:crypto'
import { base58btc } from 'multiformats/bases/base58'

/** Returns the peer id, of the form `Qm…`, of a SHA-256 digest. */
export function peerIdOf(digest: Uint8Array): string {
  return base58btc.baseEncode(Uint8Array.of(0x12, digest.length, ...digest))
}

/** Returns a peer id that belongs to no key: enough where the challenge is off. */
export function randomPeerId(): string {
  return peerIdOf(randomBytes(32))
}
