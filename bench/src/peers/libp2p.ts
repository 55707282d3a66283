import { nodesOf, type Way } from './libp2p-node.js'
import { openStreamPeer } from './libp2p-stream.js'
import type { OpenPeer } from './peer.js'

/** A node of js-libp2p that others reach in one way only. */
export function libp2p(way: Way): OpenPeer {
  return async ({ size, ...place }) => openStreamPeer(await nodesOf(way, place), size)
}
