/** A node of js-libp2p in a page: what runs in the browser. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from '../../contenders/libraries/libp2p.js'
import { nodesOf, type Way } from '../../contenders/libraries/libp2p-node.js'
import { openStreamPeer } from '../../contenders/libraries/libp2p-stream.js'
import type { OpenPeer } from '../../contenders/libraries/peer.js'

/** As processes have them, from the packages that the page was bundled with. */
const PARTS: Libp2p = {
  // In a page, libp2p refuses to dial this machine.
  createLibp2p: (options) => createLibp2p({ ...options, connectionGater: { denyDialMultiaddr: () => false } }),
  circuitRelayTransport,
  identify,
  noise,
  webSockets,
  yamux,
  multiaddr
}

export function node(way: Way): OpenPeer {
  return async ({ server, size }) => openStreamPeer(await nodesOf(way, PARTS, server), size)
}
