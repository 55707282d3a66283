/** Nodes of js-libp2p. Pages load this too: it imports nothing of Node. */
import type { Libp2pOptions } from 'libp2p'
import { commonOptions, type Libp2p, type Node } from './libp2p.js'

/** How nodes of js-libp2p reach each other: by this repository's transport, by a circuit relay, or directly. */
export type Way = 'star' | 'circuit' | 'websockets'

export interface Nodes {
  create(): Promise<Node>
  /** What others dial. */
  addressOf(node: Node): string
  multiaddr: Libp2p['multiaddr']
}

interface Reach {
  transports: NonNullable<Libp2pOptions['transports']>
  listen: string
}

const REACHES: Readonly<Record<Way, (libp2p: Libp2p, server: string) => Promise<Reach> | Reach>> = {
  star: async (_, server) => {
    // Loaded only here: peers of other libraries, which may run on an older Node, need none of it.
    const { webSocketStar } = await import('@websocket-star/libp2p')
    const listen = `/ip4/127.0.0.1/tcp/${new URL(server).port}/ws/p2p-websocket-star`
    return { transports: [webSocketStar()], listen }
  },
  circuit: ({ webSockets, circuitRelayTransport }, relay) => ({
    transports: [webSockets(), circuitRelayTransport()],
    listen: `${relay}/p2p-circuit`
  }),
  websockets: ({ webSockets }) => ({ transports: [webSockets()], listen: '/ip4/127.0.0.1/tcp/0/ws' })
}

/** Nodes that differ in how they are reached, and in nothing else. */
export async function nodesOf(way: Way, libp2p: Libp2p, server: string): Promise<Nodes> {
  const { transports, listen } = await REACHES[way](libp2p, server)
  return {
    create: () => libp2p.createLibp2p({ ...commonOptions(libp2p), transports, addresses: { listen: [listen] } }),
    addressOf: (node) => {
      const [address] = node.getMultiaddrs()
      if (address === undefined) throw new Error(`the node does not listen on ${listen}`)
      return address.toString()
    },
    multiaddr: libp2p.multiaddr
  }
}
