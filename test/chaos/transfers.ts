import { setTimeout as delay } from 'node:timers/promises'
import { within } from '@websocket-star/testkit'
import { type Conditions, Corruption, Half, type HalfPlan, readHead } from './half.js'
import type { NodeLife } from './nodes.js'
import type { Party } from './parties.js'
import type { Pipe } from './peers/peer.js'

/** Milliseconds that a dial may take, whatever happens; all kinds of clients give up before. */
const DIAL_PATIENCE = 25_000
/** Milliseconds that the rest of a transfer has after a part of it has failed. */
const GRACE = 3_000
/** Milliseconds without a byte after which a transfer hangs: longer than any fault, and what heals it, takes. */
const HANG = 45_000
const LOOK = 500

/** How a transfer ended. */
export type Outcome =
  | { readonly type: 'complete' }
  | { readonly type: 'undialled' | 'broken' | 'given up'; readonly reason: string }

/** A dial from one party to another, and bytes both ways. */
export class Transfer {
  readonly id: number
  readonly near: Party
  readonly far: Party
  readonly startedAt = performance.now()
  endedAt: number | undefined
  /** Nodes that it may pass. */
  readonly lives = new Set<NodeLife>()
  /** From the dialler, and to it. */
  readonly out: Half
  readonly back: Half
  readonly #pipes = new Set<Pipe>()
  #nearPipe: Pipe | undefined
  #farPipe: Pipe | undefined
  #isGivenUp = false
  #isArrived = false
  /** Each part of it that failed. */
  readonly #failures: string[] = []
  #failedAt: number | undefined
  #corruption: Corruption | undefined
  readonly #over = { out: false, back: false }

  constructor(id: number, near: Party, far: Party, plans: readonly [HalfPlan, HalfPlan], conditions: Conditions) {
    this.id = id
    this.near = near
    this.far = far
    this.out = new Half(id, 'out', plans[0], conditions)
    this.back = new Half(id, 'back', plans[1], conditions)
    this.noteLives()
  }

  /** As `client n0-0 → legacy n1-2, 12 of 99 and 0 of 17 bytes`. */
  toString(): string {
    const { near, far, out, back } = this
    const way = [...this.lives].map(({ name }) => name).join(' ')
    const parts = [out, back].map(({ received, plan }) => `${received} of ${plan.bytes} ${plan.manner}`)
    return `transfer ${this.id} ${near.name} → ${far.name} over ${way}, ${parts.join(' and ')} bytes`
  }

  /** @throws {Corruption}, or an error if it hangs */
  async run(): Promise<Outcome> {
    const outcome = await this.#run()
    this.endedAt = performance.now()
    return outcome
  }

  /** The dial has come out at the other end. */
  arrived(pipe: Pipe): void {
    if (this.#isArrived) {
      this.#corruption ??= new Corruption('it arrived twice')
      return
    }
    this.#isArrived = true
    if (this.endedAt !== undefined) return pipe.abort()
    this.noteLives()
    this.#pipes.add(pipe)
    this.#farPipe = pipe
    this.#send('back', pipe)
  }

  /** Bytes of the dialler have come out at the other end. */
  take(bytes: Uint8Array): Promise<void> | undefined {
    return this.#take('out', bytes)
  }

  ended(error: unknown): void {
    this.#end('out', error)
  }

  noteLives(): void {
    for (const party of [this.near, this.far]) for (const life of party.lives) this.lives.add(life)
  }

  async #run(): Promise<Outcome> {
    let pipe: Pipe
    try {
      pipe = await within(
        `a dial of ${this.far.name} by ${this.near.name} to be answered`,
        this.near.dial(this.far),
        DIAL_PATIENCE
      )
    } catch (error) {
      if (messageOf(error).startsWith('Waited') && messageOf(error).includes('to be answered')) throw error
      return { type: 'undialled', reason: messageOf(error) }
    }
    this.noteLives()
    this.#pipes.add(pipe)
    this.#nearPipe = pipe
    this.#send('out', pipe)
    pipe
      .receive((bytes) => this.#take('back', bytes))
      .then(
        () => this.#end('back', undefined),
        (error: unknown) => this.#end('back', error)
      )
    await this.#finished()
    if (this.#corruption !== undefined) throw this.#corruption
    const isComplete = this.out.isComplete && this.back.isComplete
    for (const one of this.#pipes) {
      if (isComplete) one.release()
      else one.abort()
    }
    if (isComplete) return { type: 'complete' }
    return { type: this.#isGivenUp ? 'given up' : 'broken', reason: this.#failures[0] ?? 'without a reason' }
  }

  async #finished(): Promise<void> {
    while (this.#corruption === undefined && !(this.#over.out && this.#over.back)) {
      await delay(this.#isSoonOver ? 10 : LOOK / 10)
      const now = performance.now()
      if (this.#failedAt !== undefined && now - this.#failedAt > GRACE) return
      if (now - Math.max(this.out.movedAt, this.back.movedAt) > HANG) {
        throw new Error(
          `It hangs (over: ${JSON.stringify(this.#over)}, arrived: ${this.#isArrived}, failed: ${this.#failures.join(', ')})`
        )
      }
    }
  }

  get #isSoonOver(): boolean {
    return this.out.plan.bytes + this.back.plan.bytes < 100_000
  }

  #send(which: 'out' | 'back', pipe: Pipe): void {
    this[which].send(pipe).catch((error: unknown) => this.#fail(which, error))
  }

  #end(which: 'out' | 'back', error: unknown): void {
    const half = this[which]
    const pipe = which === 'out' ? this.#farPipe : this.#nearPipe
    this.#over[which] = true
    if (error === undefined && pipe?.hidesDepartures && !half.isComplete) this.#fail(which, new Error('it ended early'))
    else if (error instanceof Corruption) this.#corruption ??= error
    else if (error !== undefined) this.#fail(which, error)
    else if (!this.#isGivenUp) void this.#guard(() => half.ended())
  }

  #take(which: 'out' | 'back', bytes: Uint8Array): Promise<void> | undefined {
    const half = this[which]
    const taken = this.#guard(() => half.take(bytes))
    if (half.isEnough && !half.isComplete && !this.#isGivenUp) {
      this.#isGivenUp = true
      const pipe = which === 'out' ? this.#farPipe : this.#nearPipe
      pipe?.abort()
      this.#fail(which, new Error('the receiver gave it up'))
    }
    return taken
  }

  #fail(which: 'out' | 'back', error: unknown): void {
    if (this[which].isComplete) return
    this.#failures.push(messageOf(error))
    this.#failedAt ??= performance.now()
  }

  #guard<T>(work: () => T): T | undefined {
    try {
      return work()
    } catch (error) {
      if (!(error instanceof Corruption)) throw error
      this.#corruption ??= error
      return undefined
    }
  }
}

/** All transfers, by which what arrives somewhere finds its own. */
export class Transfers {
  readonly open = new Map<number, Transfer>()
  readonly #known = new Map<number, Transfer>()
  readonly #conditions: Conditions
  readonly #onCorruption: (error: Corruption) => void
  #last = 0

  constructor(conditions: Conditions, onCorruption: (error: Corruption) => void) {
    this.#conditions = conditions
    this.#onCorruption = onCorruption
  }

  /** @throws as {@link Transfer.run} */
  async run(
    near: Party,
    far: Party,
    plans: readonly [HalfPlan, HalfPlan]
  ): Promise<{ transfer: Transfer; outcome: Outcome }> {
    const transfer = new Transfer(++this.#last, near, far, plans, this.#conditions)
    this.open.set(transfer.id, transfer)
    this.#known.set(transfer.id, transfer)
    try {
      return { transfer, outcome: await transfer.run() }
    } catch (cause) {
      throw new Error(`${String(transfer)}: ${messageOf(cause)}`, { cause })
    } finally {
      this.open.delete(transfer.id)
    }
  }

  /** Somebody was dialled: the first bytes say by which transfer. */
  accept(pipe: Pipe): void {
    let transfer: Transfer | undefined
    let head = Buffer.alloc(0)
    const take = (bytes: Uint8Array): Promise<void> | undefined => {
      if (transfer !== undefined) return transfer.take(bytes)
      head = Buffer.concat([head, bytes])
      const id = readHead(head)
      if (id === undefined) return undefined
      transfer = this.#known.get(id)
      if (transfer === undefined) throw new Corruption(`nobody knows of transfer ${id}`)
      transfer.arrived(pipe)
      return transfer.take(head)
    }
    pipe.receive(take).then(
      () => transfer?.ended(undefined),
      (error: unknown) => {
        if (transfer !== undefined) return transfer.ended(error)
        pipe.abort()
        if (error instanceof Corruption) this.#onCorruption(error)
      }
    )
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
