import type { BackplaneStats } from '../../stats.js'
import type { BackplaneListener, NodeLink } from '../backplane.js'
import type { Carrier } from './carrier.js'
import {
  type Envelope,
  envelopeHeadSize,
  isNodeId,
  readEnvelopeHead,
  type Unreadable,
  writeEnvelopeHead
} from './envelope.js'
import { Incarnations } from './incarnations.js'
import type { LinksOptions } from './options.js'
import { type LinkHost, type LinkRefusal, ReliableLink } from './reliable-link.js'
import { Slabs } from './slabs.js'

export { LINKS_DEFAULTS, type LinksOptions } from './options.js'

/** What a node is told of its links. */
export type LinksListener = Pick<BackplaneListener, 'frame' | 'room' | 'lost'>

/** `stale`: of a link that has been replaced. `unknown`: of one that is not known. `links`: there are too many. */
export type EnvelopeRefusal = Unreadable | LinkRefusal | 'stale' | 'unknown' | 'links'

export interface LinksStats {
  readonly links: BackplaneStats['links']
  /** Envelopes sent again. */
  readonly retransmits: number
  /** Envelopes that were not taken, by reason. */
  readonly refused: Readonly<Record<string, number>>
}

/** Links that nodes without a lease may begin: anybody with access to the carrier may say to be many. */
const LINKS_MAX = 1_024
/** Of its share of what may be under way a link has at least so much, however large chunks are. */
const LEAST_SHARE = 1 / 16
/** Milliseconds that an acknowledgement may wait for something to go with. */
const ACKNOWLEDGED_AFTER = 20
/** Links of a node that has joined a moment ago are kept until nodes were told of so many times without it. */
const ABSENCES_MAX = 2
/** Milliseconds between two sweeps beyond which this process was stopped, or very busy. */
const SWEEP_LATE = 1_000

/**
 * The links of a node to all others, over a carrier that may lose envelopes: numbers, acknowledgements and a window make
 * frames arrive once and in order, or the link is lost at both ends.
 */
export class Links {
  readonly #node: string
  readonly #carrier: Carrier
  readonly #listener: LinksListener
  readonly #onFault: (error: unknown) => void
  readonly #now: () => number
  readonly #options: LinksOptions
  readonly #host: LinkHost
  readonly #links = new Map<string, ReliableLink>()
  readonly #incarnations = new Incarnations()
  /** By {@link EnvelopeRefusal}. */
  readonly #refused: Record<string, number> = {}
  #retransmits = 0
  #nodes: ReadonlySet<string> = new Set()
  #window: number
  #isStopped = false
  #sweptAt: number
  /** Links with something to send at the end of this tick. */
  #flushing: ReliableLink[] = []
  readonly #unacknowledged = new Set<ReliableLink>()
  #acknowledging: NodeJS.Timeout | undefined
  /** The links that nodes were told are not known, since the last sweep. */
  readonly #resets = new Map<string, number>()

  /**
   * @param node - id of this node
   * @param onFault - hears what the listener throws, and of frames that cannot be sent: they go nowhere, and a chunk that does loses the link
   * @param now - the time in milliseconds, from any origin
   */
  constructor(
    node: string,
    options: LinksOptions,
    carrier: Carrier,
    listener: LinksListener,
    onFault: (error: unknown) => void,
    now: () => number = () => performance.now()
  ) {
    if (!isNodeId(node))
      throw new TypeError(`A node's id is 1 to 64 characters of A-Z a-z 0-9 _ . -, got ${JSON.stringify(node)}`)
    this.#node = node
    this.#options = options
    this.#carrier = carrier
    this.#listener = listener
    this.#onFault = onFault
    this.#now = now
    this.#window = options.windowMax
    this.#sweptAt = now()
    this.#host = this.#createHost()
  }

  /** The link to another node; a lost one is replaced. After {@link stop} it is lost from the start. */
  link(node: string): NodeLink {
    return this.#links.get(node) ?? this.#create(node)
  }

  /** Takes an envelope from this node's inbox; never throws. */
  receive(bytes: Buffer): void {
    if (this.#isStopped) return
    const envelope = readEnvelopeHead(bytes)
    const refusal = typeof envelope === 'string' ? envelope : this.#route(envelope, bytes)
    if (refusal !== undefined) this.#refused[refusal] = (this.#refused[refusal] ?? 0) + 1
  }

  /**
   * Who has a lease now, this node among them or not. Links to nodes that had one and have none any more are lost; so are
   * those to others that are absent twice.
   */
  nodes(ids: readonly string[]): void {
    this.#nodes = new Set(ids)
    const others = this.#nodes.size - (this.#nodes.has(this.#node) ? 1 : 0)
    const { windowMax, windowShared, chunkMax } = this.#options
    const share = Math.floor(windowShared / Math.max(1, others))
    this.#window = Math.min(windowMax, Math.max(share - chunkMax, Math.ceil(share * LEAST_SHARE)))
    for (const link of this.#links.values()) {
      const isPresent = this.#nodes.has(link.node)
      link.absences = isPresent ? 0 : link.absences + 1
      if (!isPresent && (link.hasLease || link.absences >= ABSENCES_MAX)) this.#lose(link, true)
      else link.refreshRoom()
      link.hasLease = isPresent
    }
  }

  /** A node has left, or was given up: the link to it is lost. */
  gone(node: string): void {
    const link = this.#links.get(node)
    if (link !== undefined) this.#lose(link, true)
  }

  /** The carrier works again after it did not: what is not acknowledged is sent again, at once. */
  resume(): void {
    for (const link of this.#links.values()) link.resume()
  }

  /** Probes links that are silent, and gives up those that are for too long. To be called each 250 ms, or a little later. */
  sweep(): void {
    this.#resets.clear()
    const now = this.#now()
    const pause = now - this.#sweptAt - SWEEP_LATE
    this.#sweptAt = now
    for (const link of this.#links.values()) {
      // What the others said meanwhile was not heard yet.
      if (pause > 0) link.pardon(pause)
      if (!link.isLost) link.sweep()
    }
  }

  /** Tells the other nodes goodbye, as far as the carrier takes it, and loses all links without telling the listener. */
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

  /** Finds the link that an envelope belongs to, or begins one. */
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
        // The other node has lost this link and made another one.
        this.#lose(link, false)
        link = this.#links.get(source)
      }
    }
    // Whoever names a link to this node that is not known, or begins anew one that has ended here, has to lose it too.
    if ((to !== 0 && to !== link?.own) || this.#incarnations.hasEnded(source, from))
      return this.#reset(source, from, type)
    if (type === 'bye') {
      if (link?.other === from || link?.own === to) this.#lose(link, false)
      return undefined
    }
    if (link === undefined && !this.#mayBegin(source)) return 'links'
    link ??= this.#create(source)
    const refusal = link.receive(envelope, bytes)
    // It would be sent again for ever.
    if (refusal === 'malformed') this.#lose(link, true)
    return refusal
  }

  #mayBegin(source: string): boolean {
    return this.#links.size < LINKS_MAX || this.#nodes.has(source)
  }

  #create(node: string): ReliableLink {
    const link = new ReliableLink(this.#host, node, this.#incarnations.next())
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
    this.#tell(() => this.#listener.lost(link))
  }

  /** Tells a node that one of its links is not known here; not for each envelope, for there may be many. */
  #reset(node: string, incarnation: number, cause: Envelope['type']): 'unknown' {
    const isTold = this.#resets.get(node) === incarnation || this.#resets.size >= LINKS_MAX
    if (isTold || cause === 'bye') return 'unknown'
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
    // If it does not arrive the next envelope asks for it again.
    this.#publish(node, bytes).catch(() => {})
    return 'unknown'
  }

  async #publish(node: string, envelope: Buffer): Promise<number> {
    return this.#carrier.publish(node, envelope)
  }

  #createHost(): LinkHost {
    // What changes is read anew each time.
    const window = () => this.#window
    return {
      node: this.#node,
      options: this.#options,
      slabs: new Slabs(),
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
        this.#acknowledging ??= setTimeout(this.#acknowledge, ACKNOWLEDGED_AFTER).unref()
      },
      frame: (link, frame) => this.#tell(() => this.#listener.frame(link, frame)),
      room: (link) => this.#tell(() => this.#listener.room(link)),
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

  #tell(what: () => void): void {
    try {
      what()
    } catch (error) {
      this.#onFault(error)
    }
  }
}
