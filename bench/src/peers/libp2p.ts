/** The parts of js-libp2p that are used here. Pages load this too: it imports nothing of Node. */

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

/** What relay and peers have in common. */
export function commonOptions({ identify, noise, webSockets, yamux }: Omit<Libp2p, 'circuitRelayServer'>) {
  return {
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify() },
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY }
  }
}
