import { setTimeout as delay } from 'node:timers/promises'
import { SeededBytes } from '../cluster/seeded-bytes.js'
import type { Pipe } from './peers/peer.js'

/** How the receiver reads: as fast as it can, at a pace, or with stops in between. */
export type Manner = 'fast' | 'slow' | 'stopping'

export interface HalfPlan {
  readonly bytes: number
  readonly manner: Manner
  /** Bytes after which the receiver gives the transfer up. */
  readonly giveUpAt?: number | undefined
}

/** As applications write: small and large, none of them a multiple of what carries them. */
const SIZES = [65_536, 1, 100_000, 1_024, 262_144, 17, 16_000, 65_536]
/** Bytes a second of a slow reader. */
const SLOW_RATE = 400_000
/** A stop of a reader that stops, in milliseconds, and after how much of all it comes. */
const STOP = 3_500
const STOPS_AT = [0.2, 0.6]
/** What each direction begins with: the number of its transfer, twice. */
const HEAD_BYTES = 8

/** It came otherwise than it was sent, or ended early without an error: what must never happen. */
export class Corruption extends Error {}

/** What transfers share. */
export interface Conditions {
  /** Readers do not wait any more. */
  readonly isHurry: boolean
  /** Waits until so many bytes may be sent. */
  pace(bytes: number): Promise<void>
  /** So many bytes were compared. */
  checked(bytes: number): void
}

function headOf(id: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES)
  head.writeUInt32BE(id)
  head.writeUInt32BE(id, 4)
  return head
}

/** Cuts the head from the first bytes of a pipe. @returns undefined as long as it is not all there */
export function readHead(bytes: Buffer): number | undefined {
  if (bytes.length < HEAD_BYTES) return undefined
  const id = bytes.readUInt32BE()
  if (id !== bytes.readUInt32BE(4)) throw new Corruption(`a pipe begins with ${bytes.toString('hex', 0, HEAD_BYTES)}`)
  return id
}

/** One direction of a transfer. The receiver knows what has to come, and checks every byte as it does. */
export class Half {
  readonly plan: HalfPlan
  sent = 0
  received = 0
  /** Bytes of the head are not counted. */
  #head: Buffer | undefined = Buffer.alloc(0)
  readonly #id: number
  readonly #seed: string
  readonly #expected: SeededBytes
  readonly #conditions: Conditions
  /** When something was last sent or received, by `performance.now()`. */
  movedAt = performance.now()

  constructor(id: number, name: string, plan: HalfPlan, conditions: Conditions) {
    this.#id = id
    this.plan = plan
    this.#seed = `${id} ${name}`
    this.#expected = new SeededBytes(this.#seed)
    this.#conditions = conditions
  }

  get isComplete(): boolean {
    return this.received === this.plan.bytes
  }

  async send(pipe: Pipe): Promise<void> {
    const source = new SeededBytes(this.#seed)
    await pipe.send(headOf(this.#id))
    for (let turn = 0; this.sent < this.plan.bytes; turn++) {
      const piece = source.next(Math.min(SIZES[turn % SIZES.length] ?? 1, this.plan.bytes - this.sent))
      await this.#conditions.pace(piece.length)
      await pipe.send(piece)
      this.sent += piece.length
      this.movedAt = performance.now()
    }
    await pipe.end()
  }

  /** Takes what has come. */
  take(bytes: Uint8Array): Promise<void> | undefined {
    const rest = this.#withoutHead(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
    if (rest.length === 0) return undefined
    const due = this.#expected.next(rest.length)
    if (!due.equals(rest)) {
      const at = rest.findIndex((byte, index) => byte !== due[index])
      throw new Corruption(`the bytes from ${this.received + at} on are wrong`)
    }
    const before = this.received
    this.received += rest.length
    if (this.received > this.plan.bytes)
      throw new Corruption(`more came than the ${this.plan.bytes} bytes that were sent`)
    this.#conditions.checked(rest.length)
    this.movedAt = performance.now()
    return this.#pause(before)
  }

  /** Whether the receiver is to give up now. */
  get isEnough(): boolean {
    return this.received >= (this.plan.giveUpAt ?? Number.POSITIVE_INFINITY)
  }

  /** The pipe has ended without an error. */
  ended(): void {
    if (!this.isComplete)
      throw new Corruption(`it ended without an error after ${this.received} of ${this.plan.bytes} bytes`)
  }

  #withoutHead(bytes: Buffer): Buffer {
    if (this.#head === undefined) return bytes
    const all = Buffer.concat([this.#head, bytes])
    const id = readHead(all)
    this.#head = id === undefined ? all : undefined
    if (id === undefined) return all.subarray(all.length)
    if (id !== this.#id) throw new Corruption(`bytes of transfer ${id} came on ${this.#id}`)
    return all.subarray(HEAD_BYTES)
  }

  #pause(before: number): Promise<void> | undefined {
    const { manner, bytes } = this.plan
    if (this.#conditions.isHurry || manner === 'fast') return undefined
    if (manner === 'slow') return delay(((this.received - before) / SLOW_RATE) * 1_000)
    const isStop = STOPS_AT.some((part) => before < part * bytes && this.received >= part * bytes)
    return isStop ? this.#stop() : undefined
  }

  async #stop(): Promise<void> {
    const end = performance.now() + STOP
    while (performance.now() < end && !this.#conditions.isHurry) await delay(50)
  }
}
