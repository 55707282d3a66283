import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'

/** Returns undefined for an id that libp2p would spell differently: it reads bytes that are no key as a URL. */
export function toPeerId(id: string): PeerId | undefined {
  try {
    const peerId = peerIdFromString(id)
    return peerId.toString() === id ? peerId : undefined
  } catch {
    return undefined
  }
}
