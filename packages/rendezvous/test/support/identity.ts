import { generateKeyPair } from '@libp2p/crypto/keys'
import { encodePublicKey, parseAddress, parsePublicKey, signNonce, type StarAddress } from '@websocket-star/protocol'
import { PREFIX } from './addresses.js'

/** A key and what its owner does with it. */
export interface Identity {
  readonly peerId: string
  /** As a join's first round sends it. */
  readonly publicKey: string
  address(prefix?: string): StarAddress
  /** @returns the signature, as a join's second round sends it */
  sign(nonce: unknown): Promise<string>
}

export async function createIdentity(): Promise<Identity> {
  const privateKey = await generateKeyPair('Ed25519')
  const publicKey = encodePublicKey(privateKey.publicKey)
  const [peerId = ''] = parsePublicKey(publicKey).peerIds
  return {
    peerId,
    publicKey,
    address: (prefix = PREFIX) => parseAddress(`${prefix}/p2p/${peerId}`),
    sign: (nonce) => signNonce(privateKey, String(nonce))
  }
}

/** An RSA key of 1024 bits, as the demos of old browser peers used it. */
export const RSA_1024 = {
  peerId: 'QmXPGfEqTYyNZE2MBeSbY7LhHaoCPbwQRtrruwQrw8vb1r',
  publicKey:
    '080012a20130819f300d06092a864886f70d010101050003818d0030818902818100be4bebbfdbbffc891e793407b273075a' +
    'd52b70d0fe71e0a206f3e8f4aa8f909221dfaa101ba083d5fe688caac5ab57b56355dd97e76616252eb28b2cb507ad71949f' +
    'ce75453b20f22d842134fcca7b50e2e521324ebd88c192103cf3f64ddfc7e095993941df183012bbf825fb98f27796911cb9' +
    '762703285afd498bc54d0c610203010001'
}
