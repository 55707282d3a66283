import type { Side } from '../../cluster/parties.js'
import type { Way } from '../ways.js'

/** One direction each way between two peers, which can be given up. */
export interface Pipe extends Side {
  /** When the other peer goes away, what is received ends as if that were all: legacy clients are told no more. */
  readonly hidesDepartures?: true
  abort(): void
  /** Both directions are over: lets go of what was opened for it. */
  release(): void
}

/** A real client, from when it begins to join until it leaves. It joins again by itself whenever it has to. */
export interface Peer {
  readonly id: string
  readonly way: Way
  readonly isJoined: boolean
  /** Ids of the others it knows of; undefined if its kind does not forget. */
  readonly known: ReadonlySet<string> | undefined
  dial(id: string): Promise<Pipe>
  /** Says goodbye. */
  leave(): Promise<void>
  /** Is gone without a word. */
  crash(): void
  /** Does nothing any more, with its connections open, until it crashes. */
  freeze(): void
}

/** Takes what others dial. */
export type Accept = (pipe: Pipe) => void

/** Makes a client of one identity, which joins by that way. */
export type CreatePeer = (way: Way, accept: Accept) => Promise<Peer>
