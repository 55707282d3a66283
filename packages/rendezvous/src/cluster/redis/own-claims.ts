import type { Claim, PeerRecord } from '../../registry/claim.js'
import type { Applied, Engine } from './engine.js'

/** Peers in one batch: Redis does nothing else meanwhile, for about two milliseconds. */
const BATCH = 500
/** Batches that are under way at most: frames of other nodes come after all that are. */
const UNDER_WAY = 4
/** Milliseconds after which nobody waits for an answer any more. */
const PATIENCE = 1_000
/** Changes that wait to be sent, beyond as many as there are peers: with more, all is compared later. */
const WAITING_MAX = 100_000

/** A claim, or the release of whatever this node holds of a peer. */
interface Change {
  readonly key: string
  readonly claim: Claim | undefined
}

interface Batch {
  readonly sentAt: number
  readonly changes: readonly Change[]
  /** Some are compared with the registry. */
  readonly isCheck: boolean
}

export interface OwnClaimsListener {
  /** What was sent may be done or not: a new session has to find out. */
  uncertain(error: Error): void
  /** The registry has had so many changes. */
  counted(sequence: number): void
  /** Another node holds what was claimed. */
  elsewhere(record: PeerRecord): void
}

interface Session {
  readonly underWay: Set<Batch>
  readonly checked: PromiseWithResolvers<void>
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** What this node holds, and its way into the registry: in order, and many at a time. */
export class OwnClaims {
  readonly #engine: Engine
  readonly #listener: OwnClaimsListener
  readonly #now: () => number
  /** The newest claim of each peer. */
  readonly #held = new Map<string, Claim>()
  /** Not sent yet. */
  #changes: Change[] = []
  /** Peers to be compared with what the registry says. */
  readonly #unchecked = new Set<string>()
  #session: Session | undefined
  #turn = 0
  #lastAnswer: Promise<void> | undefined
  #flush: NodeJS.Immediate | undefined
  /** All that wait have been told not to. */
  #isDismissed = false

  constructor(engine: Engine, listener: OwnClaimsListener, now: () => number) {
    this.#engine = engine
    this.#listener = listener
    this.#now = now
  }

  claim(claim: Claim): void {
    this.#held.set(claim.key, claim)
    if (this.#isStuck) claim.settle()
    this.#change({ key: claim.key, claim })
  }

  release(claim: Claim): void {
    if (this.#held.get(claim.key) !== claim) return
    this.#held.delete(claim.key)
    this.#change({ key: claim.key, claim: undefined })
  }

  /**
   * The answers that are under way: whatever is heard of now may have happened after what they tell of. Undefined if there
   * are none; never rejects.
   */
  get answers(): Promise<void> | undefined {
    return this.#session === undefined || this.#session.underWay.size === 0 ? undefined : this.#lastAnswer
  }

  /** Another node holds a peer, and the listener knows: an older claim of this node will never count again. */
  heard({ key, generation }: PeerRecord): void {
    const own = this.#held.get(key)
    if (own?.generation === undefined || own.generation >= generation) return
    own.lose()
    this.#held.delete(key)
  }

  /** Another number, greater than all before: of a batch, or of the registration that batches follow. */
  nextTurn(): number {
    return ++this.#turn
  }

  /**
   * This node is registered, with the last turn: compares all that it holds with the registry. What the registry does not
   * have is written into it, what it has for another node is given up.
   *
   * @returns when that is done; rejects if it cannot be
   */
  async open(): Promise<void> {
    const session: Session = { underWay: new Set(), checked: withResolvers() }
    this.#session = session
    for (const key of this.#held.keys()) this.#unchecked.add(key)
    this.#send()
    this.#tellChecked(session)
    await session.checked.promise
  }

  /**
   * The registry has this of this node: gives up what the node does not hold, and compares again what is not as it should
   * be, such as what another node has taken and given up unnoticed. What is under way is found to be right then.
   */
  compare(registered: ReadonlyMap<string, number>): void {
    if (this.#session === undefined) return
    for (const key of registered.keys()) if (!this.#held.has(key)) this.#change({ key, claim: undefined })
    for (const [key, { generation = 0 }] of this.#held) {
      if (generation > 0 && registered.get(key) !== generation) this.#unchecked.add(key)
    }
    this.#send()
  }

  /** Nothing can be sent, and it is not known what of what was sent has been done. */
  close(why: Error): void {
    const session = this.#session
    this.#session = undefined
    clearImmediate(this.#flush)
    this.#flush = undefined
    const waiting = this.#waiting(session)
    this.#changes = []
    this.#unchecked.clear()
    session?.checked.reject(why)
    for (const claim of waiting) claim.settle()
  }

  /** Lets nobody wait for long. To be called now and then. */
  sweep(): void {
    const wasDismissed = this.#isDismissed
    this.#isDismissed = this.#isStuck
    if (wasDismissed || !this.#isDismissed) return
    for (const claim of this.#waiting(this.#session)) claim.settle()
  }

  /** Whether an answer has been awaited for too long, or there is none to await. */
  get #isStuck(): boolean {
    if (this.#session === undefined) return true
    const [oldest] = this.#session.underWay
    return oldest !== undefined && this.#now() - oldest.sentAt > PATIENCE
  }

  /** Claims that have not been answered. */
  #waiting(session: Session | undefined): Claim[] {
    const waiting: Claim[] = []
    const sent = Array.from(session?.underWay ?? [], ({ changes }) => changes)
    for (const changes of [...sent, this.#changes]) {
      for (const { claim } of changes) if (claim !== undefined) waiting.push(claim)
    }
    for (const key of this.#unchecked) {
      const claim = this.#held.get(key)
      if (claim !== undefined) waiting.push(claim)
    }
    return waiting
  }

  #change(change: Change): void {
    if (this.#session === undefined) return
    this.#unchecked.delete(change.key)
    this.#changes.push(change)
    if (this.#changes.length > WAITING_MAX + this.#held.size) {
      this.#uncertain(this.#session, new Error('Redis takes changes too slowly'))
      return
    }
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined
      this.#send()
    })
  }

  #send(): void {
    const session = this.#session
    if (session === undefined) return
    while (session.underWay.size < UNDER_WAY && this.#changes.length + this.#unchecked.size > 0)
      this.#sendBatch(session)
  }

  /** Up to {@link BATCH} changes, no two for the same peer. */
  #takeChanges(): Change[] {
    const keys = new Set<string>()
    for (const { key } of this.#changes) {
      if (keys.size === BATCH || keys.has(key)) break
      keys.add(key)
    }
    return this.#changes.splice(0, keys.size)
  }

  #takeUnchecked(limit: number): Change[] {
    const unchecked: Change[] = []
    for (const key of this.#unchecked) {
      if (unchecked.length >= limit) break
      this.#unchecked.delete(key)
      unchecked.push({ key, claim: this.#held.get(key) })
    }
    return unchecked
  }

  #sendBatch(session: Session): void {
    const changes = this.#takeChanges()
    // While something waits that is new, it goes first.
    const unchecked = this.#changes.length > 0 ? [] : this.#takeUnchecked(BATCH - changes.length)
    const batch = { sentAt: this.#now(), changes: [...changes, ...unchecked], isCheck: unchecked.length > 0 }
    const args = [
      ...changes.flatMap((change) => argsOf(change, '')),
      ...unchecked.flatMap((change) => argsOf(change, '+'))
    ]
    session.underWay.add(batch)
    // they come in order
    this.#lastAnswer = this.#engine.apply(this.nextTurn(), args).then(
      (reply) => {
        if (this.#session !== session) return
        if (reply === undefined) return this.#uncertain(session, new Error('the lease, or a batch of claims, was lost'))
        this.#answered(session, batch, reply)
      },
      (error: Error) => this.#uncertain(session, error)
    )
  }

  #answered(session: Session, batch: Batch, { sequence, generations, elsewhere }: Applied): void {
    session.underWay.delete(batch)
    this.#listener.counted(sequence)
    // before the claims are known to be outdone
    for (const record of elsewhere) this.#listener.elsewhere(record)
    for (const [index, { claim }] of batch.changes.entries()) {
      if (claim === undefined) continue
      const generation = generations[index] ?? 0
      if (generation > 0) claim.win(generation)
      else {
        claim.lose()
        if (this.#held.get(claim.key) === claim) this.#held.delete(claim.key)
      }
      claim.settle()
    }
    this.#send()
    this.#tellChecked(session)
  }

  #tellChecked(session: Session): void {
    if (this.#unchecked.size > 0) return
    for (const { isCheck } of session.underWay) if (isCheck) return
    session.checked.resolve()
  }

  #uncertain(session: Session, error: Error): void {
    if (this.#session !== session) return
    this.close(error)
    this.#listener.uncertain(error)
  }
}

/** @param suffix - `+` to keep what the registry has for this node */
function argsOf({ key, claim }: Change, suffix: string): string[] {
  if (claim === undefined) return ['r', key, '']
  const { generation = 0, isAgain, address } = claim
  return [generation > 0 ? `s${generation}` : (isAgain ? 'a' : 'c') + suffix, key, address]
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const promise = new Promise<void>((...functions) => ([resolve, reject] = functions))
  // whoever waits for it hears of it
  promise.catch(() => {})
  return { promise, resolve, reject }
}
