import type { Claim, PeerRecord } from '../registry/claim.js'
import type { BackplaneStats } from '../stats.js'
import type { Frame } from './frames.js'

/** Carries frames to and from one other node, in order and without loss until the link itself is lost. */
export interface NodeLink {
  readonly node: string
  /** Whether `data` may be sent now; if not, {@link BackplaneObserver.room} is called later. Other frames may always be sent. */
  readonly hasRoom: boolean
  readonly isLost: boolean
  /** Sends a frame. A lost link drops it. */
  send(frame: Frame): void
}

/** Receives the events of a backplane. */
export interface BackplaneObserver {
  /** Another node owns a peer, in place of owners with a lower generation. */
  joined(record: PeerRecord): void
  /** The claim of another node with this generation, or a lower one, is over: the peer left, or this node took over. */
  left(key: string, generation: number): void
  /** Replaces everything reported before by all peers of other nodes; earlier records of `unsure` nodes stay valid. */
  snapshot(records: readonly PeerRecord[], unsure?: ReadonlySet<string>): void
  /** A frame arrived; the other node may have opened the link. */
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
  /** Whether other nodes are out of reach and may have removed this node. */
  readonly isFenced: boolean
  /** Whether other nodes are within reach. They may own peers that have not been reported yet. */
  readonly hasOthers: boolean
  /** Joins the star, and reports a snapshot before it resolves. Rejects if the other nodes cannot be reached. */
  start(observer: BackplaneObserver): Promise<void>
  /** Leaves the star: this node's peers leave the registry, and the others lose their links to it. Aborts a pending `start`. */
  stop(): Promise<void>
  /** Makes this node the owner of a peer. Without the registry, the claim settles without a generation and is sent later. */
  claim(claim: Claim): void
  /** Withdraws a claim if no newer one exists; an unsettled claim is withdrawn once it settles. */
  release(claim: Claim): void
  /** Returns the record of the other node that owns a peer; undefined if none does or the registry is out of reach. */
  lookup(key: string): Promise<PeerRecord | undefined>
  /** Returns the link to another node, a new one if it was lost. */
  link(node: string): NodeLink
  stats(): BackplaneStats
}
