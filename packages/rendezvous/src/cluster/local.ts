import { randomBytes } from 'node:crypto'
import type { Claim, PeerRecord } from '../registry/claim.js'
import type { BackplaneStats } from '../stats.js'
import type { Backplane, BackplaneListener, NodeLink } from './backplane.js'
import type { Frame } from './frames.js'

/** A star within one process. */
export class LocalStar {
  readonly #nodes = new Map<string, LocalBackplane>()
  readonly #records = new Map<string, PeerRecord>()
  #generation = 0

  /** Ids of those that take part. */
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

  /** @returns all that is held */
  enter(node: LocalBackplane): PeerRecord[] {
    this.#nodes.set(node.node, node)
    return [...this.#records.values()]
  }

  leave(node: LocalBackplane): void {
    this.#nodes.delete(node.node)
    for (const record of this.#records.values()) if (record.node === node.node) this.#delete(record)
  }

  /** @returns the generation; 0 if another node holds the peer, and the claim counts only if none does */
  claim({ node }: LocalBackplane, { key, address, isAgain }: Claim): number {
    const holder = this.#records.get(key)?.node
    if (isAgain && holder !== undefined && holder !== node) return 0
    const record = { key, node, generation: ++this.#generation, address }
    this.#records.set(key, record)
    for (const other of this.#others(node)) other.tell((listener) => listener.joined(record))
    return record.generation
  }

  release({ node }: LocalBackplane, { key, generation }: Claim): void {
    const record = this.#records.get(key)
    if (record?.node === node && record.generation === generation) this.#delete(record)
  }

  #delete({ key, node, generation }: PeerRecord): void {
    this.#records.delete(key)
    for (const other of this.#others(node)) other.tell((listener) => listener.left(key, generation))
  }

  #others(node: string): LocalBackplane[] {
    return [...this.#nodes.values()].filter((other) => other.node !== node)
  }
}

/** A node of a star that lies within one process: the usual one, with nobody beside it. */
export class LocalBackplane implements Backplane {
  readonly node: string
  readonly #star: LocalStar
  readonly #links = new Map<string, LocalLink>()
  #listener: BackplaneListener | undefined
  /** What is to be told: not at once, for whoever makes it happen is in the middle of something. */
  #untold: ((listener: BackplaneListener) => void)[] = []

  constructor(star: LocalStar = new LocalStar(), name = 'node') {
    this.#star = star
    this.node = `${name}-${randomBytes(4).toString('hex')}`
  }

  get isFenced(): boolean {
    return this.#listener === undefined
  }

  get hasOthers(): boolean {
    return this.#star.size > 1
  }

  start(listener: BackplaneListener): Promise<void> {
    this.#listener = listener
    listener.snapshot(this.#star.enter(this))
    return Promise.resolve()
  }

  stop(): Promise<void> {
    this.#listener = undefined
    this.#untold = []
    this.#star.leave(this)
    for (const link of this.#links.values()) link.lose()
    return Promise.resolve()
  }

  claim(claim: Claim): void {
    if (!this.isFenced) {
      const generation = this.#star.claim(this, claim)
      if (generation === 0) claim.lose()
      else claim.win(generation)
      // What is still to be told here of earlier holders is outdated.
      if (generation > 0 && this.hasOthers) this.tell((listener) => listener.left(claim.key, generation))
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

  /** From the star: tells the listener soon, in order. */
  tell(message: (listener: BackplaneListener) => void): void {
    this.#untold.push(message)
    if (this.#untold.length === 1) queueMicrotask(() => this.#tellAll())
  }

  #tellAll(): void {
    const messages = this.#untold
    this.#untold = []
    for (const message of messages) if (this.#listener !== undefined) message(this.#listener)
  }

  #receive(from: LocalBackplane, frame: Frame): void {
    const link = this.link(from.node)
    this.tell((listener) => {
      if (!link.isLost) listener.frame(link, frame)
    })
  }

  /** Both ends of a link are lost together. */
  #lost(link: LocalLink): void {
    if (!this.#links.delete(link.node)) return
    this.tell((listener) => listener.lost(link))
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
