/**
 * A [js-libp2p](https://libp2p.io) 3 transport over a WebSocketStar server. Nodes in browsers and in Node find and dial each other
 * through a server that all of them reach by WebSocket.
 *
 * @example
 * ```ts
 * import { noise } from '@libp2p/noise'
 * import { yamux } from '@libp2p/yamux'
 * import { webSocketStar } from '@websocket-star/libp2p'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({
 *   start: false,
 *   addresses: { listen: ['/dns4/star.example.com/tcp/443/wss/p2p-websocket-star'] },
 *   transports: [webSocketStar()],
 *   connectionEncrypters: [noise()],
 *   streamMuxers: [yamux()]
 * })
 * node.addEventListener('peer:connect', ({ detail }) => console.log('Connected to', detail.toString()))
 * await node.start()
 * ```
 *
 * @packageDocumentation
 */

export { webSocketStar } from './transport.js'
export type { ProgressEvent, WebSocketStarComponents, WebSocketStarDialEvents } from './transport.js'
export type { WebSocketStarInit } from './options.js'
export { InvalidOptionsError, StarError } from '@websocket-star/protocol'
export { ConnectionStalledError, ListenerClosedError, ListenTimeoutError, PeerTakenOverError } from './errors.js'
export { webSocketStarDiscovery } from './discovery.js'
export type { WebSocketStarDiscoveryComponents } from './discovery.js'
export { webSocketStarDefaults } from './defaults.js'
export type { WebSocketStarDefaults } from './defaults.js'
