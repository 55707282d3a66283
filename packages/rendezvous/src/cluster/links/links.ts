import type { BackplaneStats } from '../../stats.js'
import type { BackplaneObserver, NodeLink } from '../backplane.js'
import type { Carrier } from './carrier.js'
import {
  type Envelope,
  envelopeHeadSize,
  isNodeId,
  readEnvelopeHead,
  type UnreadableReason,
  writeEnvelopeHead
} from './envelope.js'
import { Incarnations } from './incarnations.js'
import type { LinksOptions } from './options.js'
import { type LinkOwner, type LinkRefusal, ReliableLink } from './reliable-link.js'
import { BufferPool } from './buffer-pool.js'

export { LINKS_DEFAULTS, type LinksOptions } from './options.js'

export type LinksObserver = Pick<BackplaneObserver, 'frame' | 'room' | 'lost'>

/** `stale`: the link was replaced. `unknown`: no such link. `links`: too many links. */
export type EnvelopeRefusal = UnreadableReason | LinkRefusal | 'stale' | 'unknown' | 'links'

export interface LinksStats {
  readonly links: BackplaneStats['links']
  readonly retransmits: number
  readonly refused: Readonly<Record<string, number>>
}

/** Number of links above which nodes without a lease are refused. Anybody with access to Redis could invent such nodes. */
const LINKS_MAX = 1_024
/** Minimum window of a link, as a part of the link's share of the bytes in flight. */
const WINDOW_MIN_PART = 1 / 16
/** Milliseconds before an acknowledgement is sent by itself. Envelopes that are sent earlier include it. */
const ACKNOWLEDGEMENT_DELAY = 20
/** Consecutive updates without a node after which the link to that node is lost, if the node never had a lease. */
const ABSENCES_MAX = 2
/** Milliseconds between two sweeps above which this process must have been stopped or very busy. */
const SWEEP_LATE = 1_000

/**
 * The links of a node to all others, over a carrier that may lose envelopes. Numbers, acknowledgements and a window ensure
 * that frames arrive once and in order, or that the link is lost at both ends.
 */
export class Links {
  readonly #node: string
  readonly #carrier: Carrier
  readonly #observer: LinksObserver
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number
  readonly #options: LinksOptions
  readonly #owner: LinkOwner
  readonly #links = new Map<string, ReliableLink>()
  readonly #incarnations = new Incarnations()
  /** By {@link EnvelopeRefusal}. */
  readonly #refused: Record<string, number> = {}
  #retransmits = 0
  #nodes: ReadonlySet<string> = new Set()
  #window: number
  #isStopped = false
  #sweptAt: number
  #flushing: ReliableLink[] = []
  readonly #unacknowledged = new Set<ReliableLink>()
  #acknowledging: NodeJS.Timeout | undefined
  /** Resets sent since the last sweep, by node: the node's number for the link. */
  readonly #resets = new Map<string, number>()

  /**
   * @param onFault - called with errors of the observer, and when a frame cannot be encoded. Such a frame is dropped. If it was
   *   a chunk, the link is lost
   */
  constructor(
    node: string,
    options: LinksOptions,
    carrier: Carrier,
    observer: LinksObserver,
    onFault: (error: unknown) => void,
    now: () => number = () => performance.now()
  ) {
    if (!isNodeId(node))
      throw new TypeError(`A node id must be 1 to 64 characters of A-Z a-z 0-9 _ . -, got ${JSON.stringify(node)}`)
    this.#node = node
    this.#options = options
    this.#carrier = carrier
    this.#observer = observer
    this.#onFault = onFault
    this.#now = now
    this.#window = options.windowMax
    this.#sweptAt = now()
    this.#owner = this.#createOwner()
  }

  /** Returns the link to another node, a new one if the last one was lost. After {@link stop} every link is lost. */
  link(node: string): NodeLink {
    return this.#links.get(node) ?? this.#create(node)
  }

  /** Handles an envelope to this node; never throws. */
  receive(bytes: Buffer): void {
    if (this.#isStopped) return
    const envelope = readEnvelopeHead(bytes)
    const refusal = typeof envelope === 'string' ? envelope : this.#route(envelope, bytes)
    if (refusal !== undefined) this.#refused[refusal] = (this.#refused[refusal] ?? 0) + 1
  }

  /**
   * Updates the nodes with a lease; this node may be among them. Links to nodes that lost their lease are lost. So are links
   * to nodes that never had a lease and are absent from two updates in a row.
   */
  nodes(ids: readonly string[]): void {
    this.#nodes = new Set(ids)
    const others = this.#nodes.size - (this.#nodes.has(this.#node) ? 1 : 0)
    const { windowMax, windowShared, chunkMax } = this.#options
    const share = Math.floor(windowShared / Math.max(1, others))
    this.#window = Math.min(windowMax, Math.max(share - chunkMax, Math.ceil(share * WINDOW_MIN_PART)))
    for (const link of this.#links.values()) {
      const isPresent = this.#nodes.has(link.node)
      link.absences = isPresent ? 0 : link.absences + 1
      if (!isPresent && (link.hasLease || link.absences >= ABSENCES_MAX)) this.#lose(link, true)
      else link.refreshRoom()
      link.hasLease = isPresent
    }
  }

  nodeLeft(node: string): void {
    const link = this.#links.get(node)
    if (link !== undefined) this.#lose(link, true)
  }

  /** Retransmits all unacknowledged envelopes. Call it when the carrier works again. */
  resume(): void {
    for (const link of this.#links.values()) link.resume()
  }

  /** Probes silent links, and loses those that were silent for too long. Call it about every 250 ms. */
  sweep(): void {
    this.#resets.clear()
    const now = this.#now()
    const pause = now - this.#sweptAt - SWEEP_LATE
    this.#sweptAt = now
    for (const link of this.#links.values()) {
      // Envelopes that arrived during the pause have not been read yet.
      if (pause > 0) link.excuse(pause)
      if (!link.isLost) link.sweep()
    }
  }

  /** Sends `bye` on all links and loses them, without notifying the observer. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#acknowledging)
    for (const link of this.#links.values()) link.finish()
    this.#links.clear()
    this.#unacknowledged.clear()
  }

  get stats(): LinksStats {
    const links = Array.from(this.#links.values(), ({ node, unacknowledged }) => ({
      node,
      unacknowledged,
      window: this.#window
    }))
    return { links, retransmits: this.#retransmits, refused: { ...this.#refused } }
  }

  /** Passes an envelope to its link, and creates the link if necessary. */
  #route(envelope: Envelope, bytes: Buffer): EnvelopeRefusal | undefined {
    const { type, source, from, to } = envelope
    if (source === this.#node) return 'source'
    let link = this.#links.get(source)
    if (type === 'reset') {
      if (link?.own !== to) return 'stale'
      this.#lose(link, false)
      return undefined
    }
    if (link !== undefined && link.other !== 0) {
      if (from < link.other) return 'stale'
      if (from > link.other) {
        // The other node lost this link and created a new one.
        this.#lose(link, false)
        link = this.#links.get(source)
      }
    }
    // The link is unknown here or has ended here. A reset ends it at the sender, too.
    if ((to !== 0 && to !== link?.own) || this.#incarnations.hasEnded(source, from))
      return this.#reset(source, from, type)
    if (type === 'bye') {
      if (link?.other === from || link?.own === to) this.#lose(link, false)
      return undefined
    }
    if (link === undefined && !this.#mayBegin(source)) return 'links'
    link ??= this.#create(source)
    const refusal = link.receive(envelope, bytes)
    // Otherwise the sender would retransmit the malformed envelope for ever.
    if (refusal === 'malformed') this.#lose(link, true)
    return refusal
  }

  #mayBegin(source: string): boolean {
    return this.#links.size < LINKS_MAX || this.#nodes.has(source)
  }

  #create(node: string): ReliableLink {
    const link = new ReliableLink(this.#owner, node, this.#incarnations.next())
    if (this.#isStopped) {
      link.end(false)
      return link
    }
    link.hasLease = this.#nodes.has(node)
    this.#links.set(node, link)
    return link
  }

  #lose(link: ReliableLink, hasGoodbye: boolean): void {
    link.end(hasGoodbye)
    this.#links.delete(link.node)
    this.#unacknowledged.delete(link)
    if (link.other !== 0) this.#incarnations.end(link.node, link.other)
    this.#try(() => this.#observer.lost(link))
  }

  /** Sends a `reset` for a link that is unknown here, at most one per link between sweeps. */
  #reset(node: string, incarnation: number, cause: Envelope['type']): 'unknown' {
    const isSent = this.#resets.get(node) === incarnation || this.#resets.size >= LINKS_MAX
    if (isSent || cause === 'bye') return 'unknown'
    this.#resets.set(node, incarnation)
    const bytes = Buffer.allocUnsafe(envelopeHeadSize(this.#node))
    writeEnvelopeHead(bytes, {
      type: 'reset',
      source: this.#node,
      from: 0,
      to: incarnation,
      sequence: 0,
      acknowledged: 0
    })
    // If the reset is lost, the next envelope for this link causes another one.
    this.#publish(node, bytes).catch(() => {})
    return 'unknown'
  }

  async #publish(node: string, envelope: Buffer): Promise<number> {
    return this.#carrier.publish(node, envelope)
  }

  #createOwner(): LinkOwner {
    const window = () => this.#window
    return {
      node: this.#node,
      options: this.#options,
      pool: new BufferPool(),
      get window() {
        return window()
      },
      now: this.#now,
      publish: (node, envelope) => this.#publish(node, envelope),
      flushLater: (link) => {
        if (this.#flushing.push(link) === 1) setImmediate(this.#flush)
      },
      acknowledgeLater: (link) => {
        this.#unacknowledged.add(link)
        this.#acknowledging ??= setTimeout(this.#acknowledge, ACKNOWLEDGEMENT_DELAY).unref()
      },
      frame: (link, frame) => this.#try(() => this.#observer.frame(link, frame)),
      room: (link) => this.#try(() => this.#observer.room(link)),
      fail: (link) => this.#lose(link, true),
      fault: this.#onFault,
      retransmitted: () => {
        this.#retransmits++
      }
    }
  }

  readonly #flush = (): void => {
    const links = this.#flushing
    this.#flushing = []
    for (const link of links) link.flush()
  }

  readonly #acknowledge = (): void => {
    this.#acknowledging = undefined
    const links = [...this.#unacknowledged]
    this.#unacknowledged.clear()
    for (const link of links) link.acknowledge()
  }

  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#onFault(error)
    }
  }
}
