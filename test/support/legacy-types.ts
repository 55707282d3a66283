/**
 * The little we use of the old, untyped packages: callbacks, pull-streams and socket.io 2.
 */
import type { EventEmitter } from 'node:events'

export type Callback<T = void> = (error: Error | string | null | undefined, value?: T) => void

/** How a pull-stream ended: `true` is the normal end. */
export type End = true | Error | string
export type Source<T> = (abort: End | null, callback: (end: End | null, data?: T) => void) => void
export type Sink<T> = (read: Source<T>) => void

export interface PullStream {
  <T>(source: Source<T>, through: (read: Source<T>) => Source<T>): Source<T>
  <T>(source: Source<T>, sink: Sink<T>): void
  values<T>(values: readonly T[]): Source<T>
  take<T>(count: number): (read: Source<T>) => Source<T>
  collect<T>(callback: (end: Error | string | null, items: T[]) => void): Sink<T>
  asyncMap<T>(map: (item: T, callback: (error: null, item: T) => void) => void): (read: Source<T>) => Source<T>
}

export interface Multiaddr {
  toString(): string
}

export interface PeerId {
  readonly id: Buffer
  privKey: { sign(data: Buffer, callback: (error: Error | null, signature: Buffer) => void): void }
  readonly pubKey: { readonly bytes: Buffer }
  toB58String(): string
}

export interface PeerIdClass {
  new (id: Buffer, privKey?: undefined, pubKey?: PeerId['pubKey']): PeerId
  createFromPrivKey(key: string, callback: (error: Error | null, id: PeerId) => void): void
}

export interface Crypto {
  readonly keys: {
    generateKeyPair(type: string, bits: number, callback: (error: Error | null, key: { bytes: Buffer }) => void): void
  }
}

export interface PeerInfo {
  readonly multiaddrs: { toArray(): Multiaddr[] }
}

/** The duplex that applications get. */
export interface Connection {
  readonly source: Source<Buffer>
  readonly sink: Sink<Buffer>
  getObservedAddrs(callback: Callback<Multiaddr[]>): void
}

export interface Listener extends EventEmitter {
  /** The socket.io socket while it is up. */
  readonly io?: Socket2
  listen(address: Multiaddr, callback: Callback): void
  close(callback: Callback): void
}

export interface WebsocketStar {
  readonly discovery: EventEmitter
  createListener(handler: (connection: Connection) => void): Listener
  dial(address: Multiaddr, callback: Callback<Connection>): Connection | undefined
}

export type WebsocketStarClass = new (options: {
  id?: PeerId | undefined
  allowJoinWithDisabledChallenge?: boolean | undefined
}) => WebsocketStar

export interface MultiListener extends EventEmitter {
  readonly servers: Record<string, Listener>
  listen(address: Multiaddr, callback: Callback): void
  close(callback: Callback): void
  getAddrs(callback: Callback<Multiaddr[]>): void
}

export interface WebsocketStarMulti {
  readonly discovery: EventEmitter
  createListener(handler: (connection: Connection) => void): MultiListener
  dial(address: Multiaddr, options: object, callback: Callback<Connection>): Connection | undefined
}

export type WebsocketStarMultiClass = new (options: {
  servers: readonly string[]
  id: PeerId
  /** Milliseconds one server may take to answer. */
  timeout?: number
}) => WebsocketStarMulti

/** A socket of socket.io-client, of any version. */
interface Socket2 {
  readonly connected: boolean
  readonly id: string
  on(event: string, handler: (...args: never[]) => void): void
  once(event: string, handler: (...args: never[]) => void): void
  off(event: string, handler: (...args: never[]) => void): void
  emit(event: string, ...args: unknown[]): void
  disconnect(): void
  /** The manager, and the engine below it, which swaps its transport. */
  readonly io: {
    engine: { id: string; transport: { name: string }; once(event: 'upgrade', listener: () => void): void }
  }
}

export type ConnectSocket = (url: string, options: { transports: string[]; forceNew: boolean }) => Socket2

/** A socket after socket.io-pull-stream has been let at it. */
export interface StreamSocket extends Socket2 {
  createSource(id: string): Source<Buffer>
  createSink(id: string): Sink<Buffer>
}

export type AddStreams = (socket: Socket2, options: { codec: 'buffer' }) => asserts socket is StreamSocket
