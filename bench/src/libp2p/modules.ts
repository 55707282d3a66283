import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Packages of js-libp2p, as far as they are used here. They are installed apart, for they want a newer Node than the server. */
export const LIBP2P_PACKAGES = [
  'libp2p@3.3.11',
  '@libp2p/circuit-relay-v2@4.2.13',
  '@libp2p/identify@4.1.14',
  '@libp2p/noise@17.0.3',
  '@libp2p/websockets@10.1.21',
  '@libp2p/yamux@8.0.3',
  '@multiformats/multiaddr@13.0.3'
]

/** The Node that js-libp2p 3 needs at least. */
export const LIBP2P_NODE = 22

interface Printable {
  toString(): string
}

interface Chunk {
  /** The bytes in one piece. */
  subarray(): Uint8Array
}

export interface Stream {
  /** @returns false if the next is to wait for `drain` */
  send(bytes: Uint8Array): boolean
  addEventListener(name: 'message', listener: (event: { data: Chunk }) => void): void
  addEventListener(name: 'drain' | 'end' | 'close', listener: (event: { error?: Error }) => void): void
  /** Ends this direction. @returns when all was written */
  close(): Promise<void>
}

export interface Node {
  peerId: Printable
  getMultiaddrs(): Printable[]
  getConnections(): readonly unknown[]
  handle(protocol: string, handler: (stream: Stream) => void, options: object): Promise<void>
  dialProtocol(address: unknown, protocol: string, options: object): Promise<Stream>
  /** Closes all connections to the peer at the end of the address. */
  hangUp(address: unknown): Promise<void>
  addEventListener(name: 'peer:discovery', listener: (event: { detail: { id: Printable } }) => void): void
  stop(): Promise<void> | void
}

/** A part of a node's configuration: only passed on. */
type Part = object

export interface Libp2p {
  createLibp2p(options: object): Promise<Node>
  circuitRelayServer(options: object): Part
  circuitRelayTransport(): Part
  identify(): Part
  noise(): Part
  webSockets(): Part
  yamux(): Part
  multiaddr(text: string): unknown
}

/** @param modules - the `node_modules` they were installed in */
export async function importLibp2p(modules: string): Promise<Libp2p> {
  const names = LIBP2P_PACKAGES.map((entry) => entry.slice(0, entry.lastIndexOf('@')))
  const all = await Promise.all(
    names.map((name) => import(pathToFileURL(join(modules, name, 'dist', 'src', 'index.js')).href) as Promise<object>)
  )
  return Object.assign({}, ...all) as Libp2p // together they export these, each under a name of its own
}

/** What relay and peers have in common. */
export function commonOptions({ identify, noise, webSockets, yamux }: Libp2p) {
  return {
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY }
  }
}
