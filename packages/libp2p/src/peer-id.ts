import type { PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'

/**
 * A peer that a client has told of; undefined if its address has no peer id, or one that libp2p would know by another text:
 * it reads bytes that are no key as a URL.
 */
export function toPeerId(id: string): PeerId | undefined {
  try {
    const peerId = peerIdFromString(id)
    return peerId.toString() === id ? peerId : undefined
  } catch {
    return undefined
  }
}
