/** A node of js-libp2p in a page: what runs in the browser. */
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2'
import { identify } from '@libp2p/identify'
import { noise } from '@libp2p/noise'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { webSocketStar } from '@websocket-star/libp2p'
import { createLibp2p } from 'libp2p'
import type { Node } from '../libp2p/modules.js'
import { openStreamPeer } from '../peers/libp2p-stream.js'
import type { Peer, PeerPlace } from '../peers/peer.js'

/** How nodes in pages reach each other. */
type PageWay = 'star' | 'circuit'

export function openNode(way: PageWay, { server, size }: PeerPlace): Promise<Peer> {
  return openStreamPeer({ create: () => createNode(way, server), addressOf, multiaddr }, size)
}

/** The two differ in how they are reached, and in nothing else. */
function createNode(way: PageWay, server: string): Promise<Node> {
  const reach =
    way === 'star'
      ? {
          transports: [webSocketStar()],
          addresses: { listen: [`/ip4/127.0.0.1/tcp/${new URL(server).port}/ws/p2p-websocket-star`] }
        }
      : {
          transports: [webSockets(), circuitRelayTransport()],
          addresses: { listen: [`${server}/p2p-circuit`] }
        }
  return createLibp2p({
    ...reach,
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY },
    // In a page, libp2p refuses to dial this machine.
    connectionGater: { denyDialMultiaddr: () => false }
  })
}

function addressOf(node: Node): string {
  const [address] = node.getMultiaddrs()
  if (address === undefined) throw new Error('the node does not listen')
  return address.toString()
}
