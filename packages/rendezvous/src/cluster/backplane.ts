import type { Claim, PeerRecord } from '../registry/claim.js'
import type { BackplaneStats } from '../stats.js'
import type { Frame } from './frames.js'

/**
 * Frames to one other node and from it, in order and without loss for as long as the link lasts. After it is lost, another
 * one to the same node begins anew.
 */
export interface NodeLink {
  readonly node: string
  /** Whether `data` may be sent now; if not, {@link BackplaneListener.room} tells when. Other frames may always be sent. */
  readonly hasRoom: boolean
  /** Nothing passes any more. */
  readonly isLost: boolean
  /** Sends a frame; after the link is lost it goes nowhere. */
  send(frame: Frame): void
}

/** What a backplane tells its node. */
export interface BackplaneListener {
  /** Another node holds a peer from now on, in place of whoever held it with a lower generation. */
  joined(record: PeerRecord): void
  /** No other node holds a peer with the generation `generation` or a lower one any more: it left, or this node took over. */
  left(key: string, generation: number): void
  /**
   * All that other nodes hold, in place of all that was told before.
   *
   * @param unsure - nodes that may hold more, of what was told before: not all of them have said it again
   */
  snapshot(records: readonly PeerRecord[], unsure?: ReadonlySet<string>): void
  /** Something came over a link, which the other node may have begun. */
  frame(link: NodeLink, frame: Frame): void
  /** A link that had no room has some. */
  room(link: NodeLink): void
  /** A link is lost: all that hangs on it is over. Told once for each link. */
  lost(link: NodeLink): void
}

/**
 * The one seam between a node and the others of its star: who holds which peer, and links that carry frames. Whatever
 * fails behind it, a node goes on serving its own clients among themselves.
 */
export interface Backplane {
  /** Id of this node: 1 to 64 characters of `A-Z a-z 0-9 _ . -`, another one each time it is created. */
  readonly node: string
  /** Other nodes cannot be reached, and may have given this one up. */
  readonly isFenced: boolean
  /** There are other nodes that can be reached, which may hold what has not been told of yet. */
  readonly hasOthers: boolean
  /**
   * Takes part in the star. A snapshot is told before this resolves.
   *
   * @throws {Error} if the other nodes cannot be reached
   */
  start(listener: BackplaneListener): Promise<void>
  /** Takes part no more: its peers leave the registry, and its links are lost to the others. */
  stop(): Promise<void>
  /**
   * Makes this node the holder of a peer: see {@link Claim}. While the registry cannot be reached the claim waits for it,
   * and settles without a generation.
   */
  claim(claim: Claim): void
  /** Gives a peer up, if that claim is still the newest; one that has not settled is given up when it does. */
  release(claim: Claim): void
  /** Asks which other node holds a peer now. @returns undefined for none, and if nobody can be asked */
  lookup(key: string): Promise<PeerRecord | undefined>
  /** The link to another node; a lost one is replaced. */
  link(node: string): NodeLink
  stats(): BackplaneStats
}
