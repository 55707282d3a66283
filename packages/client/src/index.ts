/**
 * Client of the WebSocketStar protocol, for Node and browsers: joins a server, learns which other peers are online, and exchanges
 * byte streams with them through the server.
 *
 * @example
 * ```ts
 * import { createStarClient } from '@websocket-star/client'
 *
 * const client = await createStarClient({ servers: ['http://127.0.0.1:9090'] })
 * client.handle(({ readable, writable }) => readable.pipeTo(writable)) // an echo
 * // Without a server this throws: http://127.0.0.1:9090 could not be reached: connect ECONNREFUSED 127.0.0.1:9090
 * await client.join({ signal: AbortSignal.timeout(10_000) })
 *
 * for await (const { type, peer } of client.peers.changes()) {
 *   if (type === 'left') continue
 *   const connection = await client.dial(peer.id)
 *   const writer = connection.writable.getWriter()
 *   await writer.write(new TextEncoder().encode('hello'))
 *   await writer.close()
 *   for await (const bytes of connection.readable) console.log(new TextDecoder().decode(bytes)) // hello
 * }
 * ```
 *
 * @packageDocumentation
 */

export { createStarClient } from './star-client.js'
export type { ConnectionHandler, StarClient } from './star-client.js'
export type { StarClientOptions } from './options.js'
export type { BackoffOptions } from './backoff.js'
export { pushStreams } from './connection.js'
export type { Connection, Direction, PushStreams } from './connection.js'
export type { ClientState, ServerState, ServerStatus, StarEvents } from './events.js'
export type { StarEventListener } from './event-target.js'
export type { Peers } from './peers.js'
export type { PeerChange, StarPeer } from './star-peer.js'

export { generateKey, keyFromSeed } from './key.js'
export { KeyStoreError, loadOrCreateKey } from './key-store.js'
export type { KeyStoreOptions } from './key-store.js'
export type { Ed25519Key, StarPrivateKey, StarPublicKey } from './key.js'

export { InvalidAddressError, InvalidNonceError, InvalidOptionsError, StarError } from '@websocket-star/protocol'
export {
  ConnectionLostError,
  StreamAbortedError,
  StreamError,
  StreamProtocolError,
  StreamResetError,
  StreamStoppedError
} from '@websocket-star/streams'
export type { Sink, Source, WindowOptions } from '@websocket-star/streams'

export {
  ChallengeMissingError,
  ClientClosedError,
  ConnectionEvictedError,
  DialRefusedError,
  DialTimeoutError,
  JoinAbortedError,
  JoinRefusedError,
  NotJoinedError,
  PeerNotFoundError,
  ServerProtocolError,
  ServerUnreachableError,
  StreamsInUseError
} from './errors.js'
