/**
 * A [js-libp2p](https://libp2p.io) 3 transport over a WebSocketStar server: nodes in browsers and in Node find each other
 * and dial each other through a server that they all reach by WebSocket.
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
 * // Whoever is on the star is in the peer store: a peer id is enough to dial.
 * node.addEventListener('peer:update', ({ detail: { peer } }) => {
 *   if (peer.addresses.length === 0) return
 *   node.dial(peer.id).catch((error: unknown) => console.error('could not dial', error))
 * })
 * await node.start()
 * ```
 *
 * @packageDocumentation
 */

export { webSocketStar } from './transport.js'
export type { ProgressEvent, WebSocketStarComponents, WebSocketStarDialEvents } from './transport.js'
export type { WebSocketStarInit } from './options.js'
export { InvalidOptionsError, StarError } from '@websocket-star/protocol'
export { ListenerClosedError, ListenTimeoutError, PeerTakenOverError } from './errors.js'
export { webSocketStarDiscovery } from './discovery.js'
export type { WebSocketStarDiscoveryComponents } from './discovery.js'
