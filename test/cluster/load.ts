import { within } from '@websocket-star/testkit'
import type { Side } from './parties.js'
import { SeededBytes } from './seeded-bytes.js'

export interface LoadOptions {
  /** How many are sent. */
  readonly bytes: number
  /** Default 1. */
  readonly seed?: number
  /** Sizes of pieces, which take turns. */
  readonly sizes?: readonly number[]
  /** What a slow receiver waits for after it has so many bytes. */
  readonly pause?: (received: number) => Promise<void> | undefined
}

/** As applications write: small and large, none of them a multiple of what carries them. */
const SIZES = [65_536, 1, 100_000, 1_024, 262_144, 17, 16_000, 65_536]

/** Milliseconds that all of a load may take, with a fault on the way. */
const PATIENCE = 110_000

/** Bytes that go one way over a connection. The receiver knows what has to come, and checks every byte as it does. */
export class Load {
  sent = 0
  received = 0
  /** Resolves once all has come, every byte where it belongs, and both ends know that it has ended as it should. */
  readonly done: Promise<void>
  readonly #options: LoadOptions
  readonly #looks = new Set<() => void>()

  constructor(from: Side, to: Side, options: LoadOptions) {
    this.#options = options
    this.done = this.#run(from, to)
    // It may fail before it is looked at.
    this.done.catch(() => {})
  }

  /** Waits until so many bytes have come, or all of a load that was faster; rejects if the load ends before. */
  async reached(count: number): Promise<void> {
    const bytes = Math.min(count, this.#options.bytes)
    let look = (): void => {}
    const reached = new Promise<void>((resolve) => {
      look = () => {
        if (this.received >= bytes) resolve()
      }
      look()
    })
    this.#looks.add(look)
    const ended = this.done.then(() => {
      if (this.received < bytes) throw new Error(`there were only ${this.received} bytes`)
    })
    try {
      await within(`${bytes} bytes`, Promise.race([reached, ended]), PATIENCE)
    } finally {
      this.#looks.delete(look)
      ended.catch(() => {})
    }
  }

  /** What it ends with that does not end as it should. */
  async failed(): Promise<Error> {
    return await this.done.then(
      () => {
        throw new Error('it went well')
      },
      (error: unknown) => (error instanceof Error ? error : new Error(String(error)))
    )
  }

  async #run(from: Side, to: Side): Promise<void> {
    const { bytes } = this.#options
    const both = Promise.all([this.#send(from), this.#receive(to)])
    try {
      await within(`${bytes} bytes`, both, PATIENCE)
    } catch (cause) {
      throw new Error(`${this.sent} of ${bytes} bytes sent, ${this.received} received: ${String(cause)}`, { cause })
    }
    if (this.received !== bytes) throw new Error(`It ended after ${this.received} of ${bytes} bytes`)
  }

  async #send(side: Side): Promise<void> {
    const { bytes, seed = 1, sizes = SIZES } = this.#options
    const source = new SeededBytes(seed)
    for (let turn = 0; this.sent < bytes; turn++) {
      const piece = source.next(Math.min(sizes[turn % sizes.length] ?? bytes, bytes - this.sent))
      await side.send(piece)
      this.sent += piece.length
    }
    await side.end()
  }

  async #receive(side: Side): Promise<void> {
    const { seed = 1, pause } = this.#options
    const expected = new SeededBytes(seed)
    await side.receive((piece) => {
      const due = expected.next(piece.length)
      if (!due.equals(piece)) throw new Error(`The bytes from ${this.received + differenceAt(piece, due)} on are wrong`)
      this.received += piece.length
      for (const look of this.#looks) look()
      return pause?.(this.received)
    })
  }
}

/** Starts loads both ways, of different bytes. */
export function loadBothWays(near: Side, far: Side, options: LoadOptions): [Load, Load] {
  const seed = options.seed ?? 1
  return [new Load(near, far, { ...options, seed }), new Load(far, near, { ...options, seed: seed + 1 })]
}

function differenceAt(one: Uint8Array, other: Uint8Array): number {
  return one.findIndex((byte, index) => byte !== other[index])
}
