/** Owner of a peer in the star's registry: the claim with the highest generation. */
export interface PeerRecord {
  /** The peer id, or the canonical text of an address that does not have exactly one peer id. */
  readonly key: string
  /** Node that the owner is connected to. */
  readonly node: string
  /** Number that grows with each claim on the star. Of two claims to one peer, the one with the higher number wins. */
  readonly generation: number
  /** Canonical address that the client joined with. */
  readonly address: string
}

interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

/**
 * Claim of one node to a peer, for one of its sessions. A claim is pending until the star's registry has answered, and meanwhile
 * ranks above all others. The backplane sets the generation of the claim, or marks the claim as lost.
 */
export class Claim {
  readonly key: string
  readonly address: string
  /** Whether the claim is lost if another node owns the peer. */
  readonly onlyIfFree: boolean
  /** Generation, above 0; undefined while the claim is pending, and once the claim is lost. */
  generation: number | undefined
  /** Whether another node owns the peer, or owned it when the claim arrived. */
  isLost = false
  #settlement: Deferred | 'settled' | undefined

  constructor(key: string, address: string, onlyIfFree = false) {
    this.key = key
    this.address = address
    this.onlyIfFree = onlyIfFree
  }

  /** Generation for comparisons with other nodes' claims: infinite while the claim is pending, 0 once it is lost. */
  get rank(): number {
    if (this.isLost) return 0
    return this.generation ?? Number.POSITIVE_INFINITY
  }

  /** Whether the registry has answered, or cannot be reached. */
  get isSettled(): boolean {
    return this.#settlement === 'settled'
  }

  /** Resolves once the claim is settled; never rejects. */
  get settled(): Promise<void> {
    if (this.#settlement === 'settled') return Promise.resolve()
    this.#settlement ??= createDeferred()
    return this.#settlement.promise
  }

  /** Records that the star's registry accepted the claim. */
  win(generation: number): void {
    this.generation = generation
    this.isLost = false
  }

  /** Records that another node owns the peer. */
  lose(): void {
    this.isLost = true
    this.generation = undefined
  }

  settle(): void {
    if (typeof this.#settlement === 'object') this.#settlement.resolve()
    this.#settlement = 'settled'
  }
}

function createDeferred(): Deferred {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}
