/** The parts of js-libp2p that are used here. Pages load this too: it imports nothing of Node. */
import type { Libp2p as Node, Libp2pOptions } from 'libp2p'

export type { Node }

export type Stream = Awaited<ReturnType<Node['dialProtocol']>>

type Modules = typeof import('libp2p') &
  typeof import('@libp2p/circuit-relay-v2') &
  typeof import('@libp2p/identify') &
  typeof import('@libp2p/noise') &
  typeof import('@libp2p/websockets') &
  typeof import('@libp2p/yamux') &
  typeof import('@multiformats/multiaddr')

/** What a node is made with. */
export type Libp2p = Pick<
  Modules,
  'createLibp2p' | 'circuitRelayTransport' | 'identify' | 'multiaddr' | 'noise' | 'webSockets' | 'yamux'
>

/** What a relay is made with. */
export type Libp2pRelay = Libp2p & Pick<Modules, 'circuitRelayServer'>

/** What relay and peers have in common. */
export function commonOptions({
  identify,
  noise,
  webSockets,
  yamux
}: Libp2p): Libp2pOptions & Required<Pick<Libp2pOptions, 'transports' | 'services'>> {
  return {
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY }
  }
}
