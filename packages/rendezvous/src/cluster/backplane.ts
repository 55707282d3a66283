import type { Claim, PeerRecord } from '../registry/claim.js'
import type { BackplaneStats } from '../stats.js'
import type { Frame } from './frames.js'

/** Carries frames to and from one other node, in order and without loss until the link itself is lost. */
export interface NodeLink {
  readonly node: string
  /** Whether `data` frames may be sent now. {@link BackplaneObserver.room} tells when they may again. */
  readonly hasRoom: boolean
  readonly isLost: boolean
  /** Sends a frame. A lost link drops it. */
  send(frame: Frame): void
}

/** Receives the events of a backplane. */
export interface BackplaneObserver {
  /** Another node owns a peer, in place of owners with a lower generation. */
  joined(record: PeerRecord): void
  /** Another node's claim is over if its generation is `generation` or lower: the peer left, or this node took over. */
  left(key: string, generation: number): void
  /** Replaces all earlier records by those of all peers of other nodes. Earlier records of `unsure` nodes stay valid. */
  snapshot(records: readonly PeerRecord[], unsure?: ReadonlySet<string>): void
  /** A frame arrived, perhaps on a new link that the other node opened. */
  frame(link: NodeLink, frame: Frame): void
  /** A link without room has room again. */
  room(link: NodeLink): void
  /** A link is lost, and every channel on it. Called once per link. */
  lost(link: NodeLink): void
}

/**
 * The interface between a node and the other nodes of its star: which node owns which peer, and links that carry frames.
 * If the other nodes cannot be reached, a node continues to connect its own clients with each other.
 */
export interface Backplane {
  /** Id of this node: 1 to 64 characters of `A-Z a-z 0-9 _ . -`, new for each instance. */
  readonly node: string
  /** Whether this node cannot reach the other nodes, and they may have removed this node. */
  readonly isFenced: boolean
  /** Whether other nodes are within reach: a peer that was not reported yet may be on one of them. */
  readonly hasOthers: boolean
  /** Joins the star, and reports a snapshot before it resolves. Rejects if the other nodes cannot be reached. */
  start(observer: BackplaneObserver): Promise<void>
  /** Aborts a pending `start`, and leaves the star: this node's peers leave the registry, and the others lose their links to it. */
  stop(): Promise<void>
  /** Makes this node the owner of a peer. Without the registry, the claim settles with no generation, and is sent later. */
  claim(claim: Claim): void
  /** Withdraws a claim, unless this node has claimed the peer again. A pending claim may be withdrawn, too. */
  release(claim: Claim): void
  /** Returns the record of the other node that owns a peer; undefined if none does or the registry is out of reach. */
  lookup(key: string): Promise<PeerRecord | undefined>
  /** Returns the link to another node, a new one if it was lost. */
  link(node: string): NodeLink
  stats(): BackplaneStats
}
