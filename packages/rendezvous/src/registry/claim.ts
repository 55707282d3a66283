/**
 * One node's claim to a peer for one of its clients. The backplane writes the generation into it, as soon as the registry
 * has it.
 */
export class Claim {
  readonly key: string
  /** The address its client joined with, canonical. */
  readonly address: string
  /** Counts only if no other node holds the peer: for a client that joined earlier, and holds it again. */
  readonly isAgain: boolean
  /** Undefined until the registry has the claim: till then it is taken for the newest. 0 if another node held the peer. */
  generation: number | undefined
  #waiting: (() => void)[] | undefined = []

  constructor(key: string, address: string, isAgain = false) {
    this.key = key
    this.address = address
    this.isAgain = isAgain
  }

  /** The generation is known, or will not be for a while. */
  settle(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const callback of waiting) callback()
  }

  /** Runs once the claim has settled, at once if it has. */
  whenSettled(callback: () => void): void {
    if (this.#waiting === undefined) callback()
    else this.#waiting.push(callback)
  }
}
