/** The owner of a peer as all nodes of a star see it: the newest claim of all. */
export interface PeerRecord {
  /** The peer id, or the canonical text of an address without exactly one. */
  readonly key: string
  /** The node that the client is connected to. */
  readonly node: string
  /** Number that grows with each claim on the star: of two claims for one peer the higher counts. */
  readonly generation: number
  /** The address that the client joined with, canonical. */
  readonly address: string
}

interface Waiting {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

/**
 * One node's claim to a peer for one of its clients. It is pending until the registry of the star has it; a pending claim
 * is taken for the newest. The backplane writes the generation into it, or that another node owns the peer.
 */
export class Claim {
  readonly key: string
  /** The address that the client joined with, canonical. */
  readonly address: string
  /** The claim counts only if no other node owns the peer: for a client that joined earlier, and becomes the owner again. */
  readonly isAgain: boolean
  /** Undefined while the claim is pending, and once it is lost. Above 0. */
  generation: number | undefined
  /** Another node owned the peer, or owns it now. */
  isLost = false
  /** Undefined while nobody waits; `settled` at last. */
  #waiting: Waiting | 'settled' | undefined

  constructor(key: string, address: string, isAgain = false) {
    this.key = key
    this.address = address
    this.isAgain = isAgain
  }

  /** Age for comparison with the generations of other nodes: the higher is newer. */
  get rank(): number {
    if (this.isLost) return 0
    return this.generation ?? Number.POSITIVE_INFINITY
  }

  /** The registry has answered, or will not for a while. */
  get isSettled(): boolean {
    return this.#waiting === 'settled'
  }

  /** Resolves once the claim is settled; never rejects. */
  get settled(): Promise<void> {
    if (this.#waiting === 'settled') return Promise.resolve()
    this.#waiting ??= createWaiting()
    return this.#waiting.promise
  }

  /** The registry of the star has the claim. */
  win(generation: number): void {
    this.generation = generation
    this.isLost = false
  }

  /** Another node owns the peer: this claim does not count any more. */
  lose(): void {
    this.isLost = true
    this.generation = undefined
  }

  settle(): void {
    if (typeof this.#waiting === 'object') this.#waiting.resolve()
    this.#waiting = 'settled'
  }
}

function createWaiting(): Waiting {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
