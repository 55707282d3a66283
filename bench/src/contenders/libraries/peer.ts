import type { Supply } from './supply.js'

/** A peer that others can dial, whichever library it is made with. */
export interface Peer {
  /** What others dial. */
  readonly address: string
  /** The connection that another one opens to this. */
  readonly incoming: Promise<Incoming>
  dial(address: string): Promise<Outgoing>
}

/** A connection as its sender has it. */
export interface Outgoing {
  /** Returns the bytes written that wait in the library, where that can be told. */
  waiting?(): number
  /** Writes all there is as fast as the library wants it, then ends the stream. @returns once the library has let go of it */
  send(supply: Supply): Promise<void>
}

/** A connection as its receiver has it. */
export interface Incoming {
  /** Reads. @returns when the sender has ended the stream; rejects if it ended otherwise */
  receive(take: (bytes: Uint8Array) => void): Promise<void>
  /** Reads no more; of libraries that are asked to. */
  pause?(): void
}

/** Where a peer is to be. */
export interface PeerPlace {
  /** What the server, or what stands before it, is reached by. */
  server: string
  /** The `node_modules` of libraries that are installed apart. */
  modules: string
  /** Bytes of each write. */
  size: number
}

export type OpenPeer = (place: PeerPlace) => Promise<Peer>
