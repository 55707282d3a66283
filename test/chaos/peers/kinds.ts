import { generateKeyPair } from '@libp2p/crypto/keys'
import { keyFromSeed } from '@websocket-star/client'
import { peerIdOf } from '../../support/generations.js'
import { ClientPeer } from './client.js'
import { LegacyPeer } from './legacy.js'
import { Libp2pPeer } from './libp2p.js'
import type { CreatePeer } from './peer.js'

export type PeerKind = 'client' | 'legacy' | 'libp2p'

/** Returns what makes clients of one new identity. */
export async function creator(kind: PeerKind, index: number): Promise<CreatePeer> {
  switch (kind) {
    case 'client': {
      const key = await keyFromSeed(Buffer.alloc(32, `client ${index}`))
      return async (way, accept) => await ClientPeer.open(key, way, accept)
    }
    case 'legacy': {
      const key = await peerIdOf(`legacy ${index}`)
      return async (way, accept) => new LegacyPeer(key, way, accept)
    }
    case 'libp2p': {
      const key = await generateKeyPair('Ed25519')
      return async (way, accept) => await Libp2pPeer.open(key, way, accept)
    }
  }
}
