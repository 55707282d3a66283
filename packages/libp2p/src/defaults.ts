/** Options of `createLibp2p` and `gossipsub` for nodes on a star. */
export interface WebSocketStarDefaults {
  /** For `createLibp2p`. */
  readonly libp2p: {
    readonly connectionManager: {
      /** Connections per second that one host may open. By default 5. */
      readonly inboundConnectionThreshold: number
      /** Inbound connections that are not encrypted yet. By default 10. */
      readonly maxIncomingPendingConnections: number
    }
    readonly connectionMonitor: {
      readonly pingTimeout: {
        /** Least time for the answer to a ping, in milliseconds. By default 5,000. */
        readonly minTimeout: number
      }
    }
  }
  /** For `gossipsub` of `@libp2p/gossipsub`. */
  readonly gossipsub: {
    readonly scoreParams: {
      /** Weight of the number of peers with one IP address. By default -5. */
      readonly IPColocationFactorWeight: number
    }
  }
}

/**
 * Returns options that fit a star. All its peers connect from one address, that of the server; libp2p takes many connections from
 * one address for an attack. Pings may wait behind transfers.
 *
 * @example
 * ```ts
 * import { gossipsub } from '@libp2p/gossipsub'
 * import { identify } from '@libp2p/identify'
 * import { noise } from '@libp2p/noise'
 * import { yamux } from '@libp2p/yamux'
 * import { webSocketStar, webSocketStarDefaults } from '@websocket-star/libp2p'
 * import { createLibp2p } from 'libp2p'
 *
 * const defaults = webSocketStarDefaults()
 * const node = await createLibp2p({
 *   ...defaults.libp2p,
 *   addresses: { listen: ['/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'] },
 *   transports: [webSocketStar()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()],
 *   services: { identify: identify(), pubsub: gossipsub(defaults.gossipsub) }
 * })
 * ```
 */
export function webSocketStarDefaults(): WebSocketStarDefaults {
  return {
    libp2p: {
      connectionManager: { inboundConnectionThreshold: 1000, maxIncomingPendingConnections: 1000 },
      connectionMonitor: { pingTimeout: { minTimeout: 30_000 } }
    },
    gossipsub: { scoreParams: { IPColocationFactorWeight: 0 } }
  }
}
