import { createHash, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto'
import type { Signer } from '@websocket-star/testkit'
import { parsePublicKey } from '@websocket-star/protocol'

/** What stands before the seed of an Ed25519 key in PKCS #8. */
const PKCS8_HEAD = '302e020100300506032b657004220420'

/** A peer that is the same in each run. */
export class Identity implements Signer {
  readonly id: string
  readonly publicKeyHex: string
  readonly #key: KeyObject

  constructor(name: string) {
    const seed = createHash('sha256').update(name).digest('hex')
    this.#key = createPrivateKey({ key: Buffer.from(PKCS8_HEAD + seed, 'hex'), format: 'der', type: 'pkcs8' })
    const raw = createPublicKey(this.#key).export({ type: 'spki', format: 'der' }).subarray(-32)
    this.publicKeyHex = Buffer.from([0x08, 1, 0x12, 32, ...raw]).toString('hex')
    this.id = String(parsePublicKey(this.publicKeyHex).peerIds[1])
  }

  sign(nonce: string): string {
    return sign(null, Buffer.from(nonce), this.#key).toString('hex')
  }
}

/** Few, so that they dial each other and take each other's place. */
export const IDENTITIES: readonly Identity[] = Array.from({ length: 24 }, (_, index) => new Identity(`fuzz ${index}`))
