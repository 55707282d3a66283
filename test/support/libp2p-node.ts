import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { ping, type Ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { webSocketStar, type WebSocketStarInit } from '@websocket-star/libp2p'
import { createLibp2p, type Libp2pOptions } from 'libp2p'

/** Milliseconds that a node waits for another: generous for a busy machine, on which many of them share a process. */
const PATIENCE = 60_000

/** What every node of a test offers. */
type Services = { ping: Ping; identify: unknown }

export interface NodeOptions {
  privateKey?: PrivateKey
  star?: WebSocketStarInit
  more?: Partial<Libp2pOptions<Services>>
}

/** What the nodes of tests have in common. */
function configurationOf(
  listen: readonly string[],
  { privateKey, star, more }: NodeOptions = {}
): Libp2pOptions<Services> {
  return {
    ...(privateKey && { privateKey }),
    addresses: { listen: [...listen] },
    transports: [webSocketStar({ backoff: { initial: 20, max: 200 }, ...star })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify({ timeout: PATIENCE }), ping: ping({ timeout: PATIENCE }) },
    connectionManager: {
      // All peers of a star come from the star's own address.
      inboundConnectionThreshold: Number.POSITIVE_INFINITY,
      dialTimeout: PATIENCE,
      inboundUpgradeTimeout: PATIENCE,
      inboundStreamProtocolNegotiationTimeout: PATIENCE,
      outboundStreamProtocolNegotiationTimeout: PATIENCE
    },
    // It ends connections whose other end answers late.
    connectionMonitor: { enabled: false },
    connectionGater: { denyDialMultiaddr: () => false },
    ...more
  }
}

/** A node that listens on stars, and ends with its scope. */
export async function startNode(listen: readonly string[], options: NodeOptions = {}): Promise<TestNode> {
  const node = await createLibp2p(configurationOf(listen, options))
  return Object.assign(node, { [Symbol.asyncDispose]: async () => await node.stop() })
}

export type TestNode = Libp2p<Services> & AsyncDisposable
