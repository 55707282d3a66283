import { commonOptions, importLibp2p, type Libp2p, type Node } from '../libp2p/modules.js'
import type { PeerPlace } from './peer.js'

/** How nodes of js-libp2p reach each other: by this repository's transport, by a circuit relay, or directly. */
export type Way = 'star' | 'circuit' | 'websockets'

/** Where nodes are to be. */
export type NodePlace = Omit<PeerPlace, 'size'>

export interface Nodes {
  create(): Promise<Node>
  /** What others dial. */
  addressOf(node: Node): string
  multiaddr(text: string): unknown
}

interface Reach {
  transports: object[]
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
export async function nodesOf(way: Way, { server, modules }: NodePlace): Promise<Nodes> {
  const libp2p = await importLibp2p(modules)
  const reach = await REACHES[way](libp2p, server)
  return {
    create: () =>
      libp2p.createLibp2p({
        ...commonOptions(libp2p),
        transports: reach.transports,
        addresses: { listen: [reach.listen] }
      }),
    addressOf: (node) => {
      const [address] = node.getMultiaddrs()
      if (address === undefined) throw new Error(`the node does not listen on ${reach.listen}`)
      return address.toString()
    },
    multiaddr: libp2p.multiaddr
  }
}
