import type { Claim, PeerRecord } from '../registry/claim.js'
import type { BackplaneStats } from '../stats.js'
import type { Backplane, BackplaneObserver, NodeLink } from './backplane.js'

/** Lets a stopped server start again: each start after the first creates a new backplane, with a new node id. */
export class RestartableBackplane implements Backplane {
  readonly #create: () => Backplane
  #current: Backplane
  #wasStarted = false

  constructor(create: () => Backplane) {
    this.#create = create
    this.#current = create()
  }

  get node(): string {
    return this.#current.node
  }

  get isFenced(): boolean {
    return this.#current.isFenced
  }

  get hasOthers(): boolean {
    return this.#current.hasOthers
  }

  start(observer: BackplaneObserver): Promise<void> {
    if (this.#wasStarted) this.#current = this.#create()
    this.#wasStarted = true
    return this.#current.start(observer)
  }

  stop(): Promise<void> {
    return this.#current.stop()
  }

  claim(claim: Claim): void {
    this.#current.claim(claim)
  }

  release(claim: Claim): void {
    this.#current.release(claim)
  }

  lookup(key: string): Promise<PeerRecord | undefined> {
    return this.#current.lookup(key)
  }

  link(node: string): NodeLink {
    return this.#current.link(node)
  }

  stats(): BackplaneStats {
    return this.#current.stats()
  }
}
