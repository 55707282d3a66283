import { randomBytes } from 'node:crypto'
import type { Claim, PeerRecord } from '../registry/claim.js'
import type { BackplaneStats } from '../stats.js'
import type { Backplane, BackplaneObserver, NodeLink } from './backplane.js'
import type { Frame } from './frames.js'

/** A star whose nodes are in one process. */
export class LocalStar {
  readonly #nodes = new Map<string, LocalBackplane>()
  readonly #records = new Map<string, PeerRecord>()
  #generation = 0

  get nodes(): string[] {
    return [...this.#nodes.keys()]
  }

  get size(): number {
    return this.#nodes.size
  }

  find(node: string): LocalBackplane | undefined {
    return this.#nodes.get(node)
  }

  lookup(key: string): PeerRecord | undefined {
    return this.#records.get(key)
  }

  /** Adds a node. @returns the records of all peers */
  enter(node: LocalBackplane): PeerRecord[] {
    this.#nodes.set(node.node, node)
    return [...this.#records.values()]
  }

  leave(node: LocalBackplane): void {
    this.#nodes.delete(node.node)
    for (const record of this.#records.values()) if (record.node === node.node) this.#delete(record)
  }

  /** @returns the generation; 0 if the claim is lost because another node owns the peer */
  claim({ node }: LocalBackplane, { key, address, onlyIfFree }: Claim): number {
    const owner = this.#records.get(key)?.node
    if (onlyIfFree && owner !== undefined && owner !== node) return 0
    const record = { key, node, generation: ++this.#generation, address }
    this.#records.set(key, record)
    for (const other of this.#others(node)) other.notify((observer) => observer.joined(record))
    return record.generation
  }

  release({ node }: LocalBackplane, { key, generation }: Claim): void {
    const record = this.#records.get(key)
    if (record?.node === node && record.generation === generation) this.#delete(record)
  }

  #delete({ key, node, generation }: PeerRecord): void {
    this.#records.delete(key)
    for (const other of this.#others(node)) other.notify((observer) => observer.left(key, generation))
  }

  #others(node: string): LocalBackplane[] {
    return [...this.#nodes.values()].filter((other) => other.node !== node)
  }
}

/** A node of a star within one process. A server without `--redis` is the only node of its star. */
export class LocalBackplane implements Backplane {
  readonly node: string
  readonly #star: LocalStar
  readonly #links = new Map<string, LocalLink>()
  #observer: BackplaneObserver | undefined
  /** Events to deliver in a microtask, when the operations that caused them are over. */
  #events: ((observer: BackplaneObserver) => void)[] = []

  constructor(star: LocalStar = new LocalStar(), name = 'node') {
    this.#star = star
    this.node = `${name}-${randomBytes(4).toString('hex')}`
  }

  get isFenced(): boolean {
    return this.#observer === undefined
  }

  get hasOthers(): boolean {
    return this.#star.size > 1
  }

  start(observer: BackplaneObserver): Promise<void> {
    this.#observer = observer
    observer.snapshot(this.#star.enter(this))
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.#observer = undefined
    this.#events = []
    this.#star.leave(this)
    for (const link of this.#links.values()) link.lose()
    return Promise.resolve()
  }

  claim(claim: Claim): void {
    if (!this.isFenced) {
      const generation = this.#star.claim(this, claim)
      if (generation === 0) claim.lose()
      else claim.win(generation)
      // Removes the records that pending events about earlier owners add.
      if (generation > 0 && this.hasOthers) this.notify((observer) => observer.left(claim.key, generation))
    }
    claim.settle()
  }

  release(claim: Claim): void {
    this.#star.release(this, claim)
  }

  lookup(key: string): Promise<PeerRecord | undefined> {
    const record = this.#star.lookup(key)
    return Promise.resolve(record?.node === this.node ? undefined : record)
  }

  link(node: string): NodeLink {
    const known = this.#links.get(node)
    if (known !== undefined) return known
    const link = new LocalLink(node, (gone) => this.#lost(gone))
    const other = this.#star.find(node)
    if (other === undefined || other === this) link.lose()
    else {
      this.#links.set(node, link)
      link.connect((frame) => other.#receive(this, frame))
    }
    return link
  }

  stats(): BackplaneStats {
    return {
      nodes: this.#star.nodes,
      fenced: this.isFenced,
      leaseAge: 0,
      feedLag: 0,
      links: Array.from(this.#links.values(), ({ node }) => ({ node, unacknowledged: 0, window: 0 })),
      retransmits: 0,
      refusedEnvelopes: {}
    }
  }

  notify(event: (observer: BackplaneObserver) => void): void {
    this.#events.push(event)
    if (this.#events.length === 1) queueMicrotask(() => this.#notifyAll())
  }

  #notifyAll(): void {
    const events = this.#events
    this.#events = []
    for (const event of events) if (this.#observer !== undefined) event(this.#observer)
  }

  #receive(from: LocalBackplane, frame: Frame): void {
    const link = this.link(from.node)
    this.notify((observer) => {
      if (!link.isLost) observer.frame(link, frame)
    })
  }

  #lost(link: LocalLink): void {
    if (!this.#links.delete(link.node)) return
    this.notify((observer) => observer.lost(link))
    const other = this.#star.find(link.node)
    if (other !== undefined) other.#links.get(this.node)?.lose()
  }
}

class LocalLink implements NodeLink {
  readonly node: string
  readonly hasRoom = true
  readonly #onLost: (link: LocalLink) => void
  #deliver: ((frame: Frame) => void) | undefined
  #isLost = false

  constructor(node: string, onLost: (link: LocalLink) => void) {
    this.node = node
    this.#onLost = onLost
  }

  get isLost(): boolean {
    return this.#isLost
  }

  connect(deliver: (frame: Frame) => void): void {
    this.#deliver = deliver
  }

  send(frame: Frame): void {
    if (!this.#isLost) this.#deliver?.(frame)
  }

  lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#onLost(this)
  }
}
