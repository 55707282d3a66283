/**
 * Rendezvous server of the WebSocketStar protocol: peers that connect to it by WebSocket discover each other and exchange
 * byte streams through it. Clients of the old `libp2p-websocket-star-rendezvous` work unchanged.
 *
 * @example
 * ```ts
 * import { createRendezvous } from '@websocket-star/rendezvous'
 *
 * const server = createRendezvous({ host: '127.0.0.1', port: 9090 })
 * await server.start()
 * console.log(server.address().multiaddr)
 * ```
 *
 * @packageDocumentation
 */
export { StarError } from '@websocket-star/protocol'
export type { Backplane, BackplaneObserver, NodeLink } from './cluster/backplane.js'
export { AlreadyStartedError, NotListeningError, RedisError, StartAbortedError } from './errors.js'
export type { ChannelRef, Frame } from './cluster/frames.js'
export { LocalBackplane, LocalStar } from './cluster/local-backplane.js'
export type { CountingLogger, Logger } from './logger.js'
export type {
  ClusterSettings,
  DialSettings,
  DiscoverySettings,
  HeartbeatSettings,
  JoinSettings,
  LimitsSettings,
  RelaySettings,
  ResolvedOptions,
  ServerOptions
} from './option-types.js'
export { InvalidOptionsError, type OptionProblem } from './options.js'
export type { Claim, PeerRecord } from './registry/claim.js'
export {
  createRendezvous,
  type AttachOptions,
  type DrainOptions,
  type Rendezvous,
  type RendezvousAddress,
  type RendezvousOptions
} from './rendezvous.js'
export type {
  Attempts,
  BackplaneStats,
  CloseReason,
  ClusterStats,
  CountsByReason,
  DiscoveryKind,
  DropReason,
  PauseReason,
  RefusalReason,
  RendezvousStats,
  ResetReason
} from './stats.js'
