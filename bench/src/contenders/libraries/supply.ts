/** What a sender has to write: the pattern, over and over, until it is told to stop. */
export class Supply {
  /** Bytes given out. */
  given = 0
  readonly #pieces: readonly Uint8Array[]
  readonly #limit: number
  #next = 0
  #stopped = false

  /** @param limit - bytes after which there is nothing more */
  constructor({ pieces }: { pieces: readonly Uint8Array[] }, limit: number) {
    this.#pieces = pieces
    this.#limit = limit
  }

  /** @returns undefined when that was all */
  next(): Uint8Array | undefined {
    if (this.#stopped || this.given >= this.#limit) return undefined
    const piece = this.#pieces[this.#next]
    if (piece === undefined) return undefined
    this.#next = (this.#next + 1) % this.#pieces.length
    this.given += piece.length
    return piece
  }

  stop(): void {
    this.#stopped = true
  }
}
