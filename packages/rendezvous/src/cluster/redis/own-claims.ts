import type { Claim, PeerRecord } from '../../registry/claim.js'
import type { ApplyResult, StarCommands } from './star-commands.js'

/** Maximum number of peers per batch. Such a batch blocks Redis for about two milliseconds. */
const BATCH_SIZE = 500
/** Maximum of batches in flight. Few, because envelopes to other nodes queue behind batches. */
const IN_FLIGHT_MAX = 4
/** Milliseconds without an answer after which pending claims are settled. */
const TIMEOUT = 1_000
/** Maximum of unsent changes in addition to one per peer. If there are more, all claims are compared with the registry later. */
const UNSENT_MAX = 100_000

/** A claim to a peer, or a release of the peer if `claim` is undefined. */
interface ClaimChange {
  readonly key: string
  readonly claim: Claim | undefined
}

interface ClaimBatch {
  readonly sentAt: number
  readonly changes: readonly ClaimChange[]
  /** Whether the batch compares claims with the registry. */
  readonly isCheck: boolean
}

export interface OwnClaimsObserver {
  /** The node has to register again, because sent changes may not have been applied. */
  outOfSync(error: Error): void
  sequenceKnown(sequence: number): void
  /** Another node owns a claimed peer. */
  ownedElsewhere(record: PeerRecord): void
}

/** The time from taking a lease until the lease or the connection is lost. */
interface Registration {
  readonly inFlight: Set<ClaimBatch>
  readonly checked: PromiseWithResolvers<void>
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

/** The claims of this node. Sends them to the registry in order, in batches. */
export class OwnClaims {
  readonly #commands: StarCommands
  readonly #observer: OwnClaimsObserver
  readonly #now: () => number
  /** The newest claim of each peer. */
  readonly #claims = new Map<string, Claim>()
  #unsent: ClaimChange[] = []
  /** Peers whose claims are to be compared with the registry. */
  readonly #unchecked = new Set<string>()
  #registration: Registration | undefined
  #lastBatch = 0
  #lastAnswer: Promise<void> | undefined
  #flush: NodeJS.Immediate | undefined
  /** Claims are settled without waiting for answers, because answers take too long. */
  #hasGivenUp = false

  constructor(commands: StarCommands, observer: OwnClaimsObserver, now: () => number) {
    this.#commands = commands
    this.#observer = observer
    this.#now = now
  }

  claim(claim: Claim): void {
    this.#claims.set(claim.key, claim)
    if (this.#isStuck) claim.settle()
    this.#change({ key: claim.key, claim })
  }

  release(claim: Claim): void {
    if (this.#claims.get(claim.key) !== claim) return
    this.#claims.delete(claim.key)
    this.#change({ key: claim.key, claim: undefined })
  }

  /**
   * Resolves when the batches in flight are answered; undefined if none are in flight. Never rejects. Await this before changes
   * from the feed are reported: they may be later than these batches.
   */
  get answers(): Promise<void> | undefined {
    return this.#registration === undefined || this.#registration.inFlight.size === 0 ? undefined : this.#lastAnswer
  }

  /** Drops an older claim to a peer that another node owns. */
  claimedElsewhere({ key, generation }: PeerRecord): void {
    const own = this.#claims.get(key)
    if (own?.generation === undefined || own.generation >= generation) return
    own.lose()
    this.#claims.delete(key)
  }

  /** Returns the number of a batch or a registration, greater than all before. */
  nextBatchNumber(): number {
    return ++this.#lastBatch
  }

  /**
   * Starts sending after a registration: compares all claims with the registry. Missing claims are written. Claims to peers that
   * other nodes own are lost.
   *
   * @returns a promise that resolves when all claims are compared, and rejects if the registration is closed before
   */
  async open(): Promise<void> {
    const registration: Registration = { inFlight: new Set(), checked: withResolvers() }
    this.#registration = registration
    for (const key of this.#claims.keys()) this.#unchecked.add(key)
    this.#send()
    this.#resolveIfChecked(registration)
    await registration.checked.promise
  }

  /**
   * Corrects differences between this node's claims and a snapshot of its peers. Peers without a claim are released. Claims whose
   * generation differs are compared again: another node may have taken and released the peer unnoticed.
   */
  compare(registered: ReadonlyMap<string, number>): void {
    if (this.#registration === undefined) return
    for (const key of registered.keys()) if (!this.#claims.has(key)) this.#change({ key, claim: undefined })
    for (const [key, { generation = 0 }] of this.#claims) {
      if (generation > 0 && registered.get(key) !== generation) this.#unchecked.add(key)
    }
    this.#send()
  }

  /** Ends the registration: settles pending claims, and forgets unsent changes. {@link open} finds them again. */
  close(why: Error): void {
    const registration = this.#registration
    this.#registration = undefined
    clearImmediate(this.#flush)
    this.#flush = undefined
    const waiting = this.#unansweredClaims(registration)
    this.#unsent = []
    this.#unchecked.clear()
    registration?.checked.reject(why)
    for (const claim of waiting) claim.settle()
  }

  /** Settles pending claims if answers take too long. Call this regularly. */
  sweep(): void {
    const hadGivenUp = this.#hasGivenUp
    this.#hasGivenUp = this.#isStuck
    if (hadGivenUp || !this.#hasGivenUp) return
    for (const claim of this.#unansweredClaims(this.#registration)) claim.settle()
  }

  /** Whether the oldest answer is overdue, or this node is not registered. */
  get #isStuck(): boolean {
    if (this.#registration === undefined) return true
    const [oldest] = this.#registration.inFlight
    return oldest !== undefined && this.#now() - oldest.sentAt > TIMEOUT
  }

  #unansweredClaims(registration: Registration | undefined): Claim[] {
    const waiting: Claim[] = []
    const sent = Array.from(registration?.inFlight ?? [], ({ changes }) => changes)
    for (const changes of [...sent, this.#unsent]) {
      for (const { claim } of changes) if (claim !== undefined) waiting.push(claim)
    }
    for (const key of this.#unchecked) {
      const claim = this.#claims.get(key)
      if (claim !== undefined) waiting.push(claim)
    }
    return waiting
  }

  #change(change: ClaimChange): void {
    if (this.#registration === undefined) return
    this.#unchecked.delete(change.key)
    this.#unsent.push(change)
    if (this.#unsent.length > UNSENT_MAX + this.#claims.size) {
      this.#lose(this.#registration, new Error('Redis applies changes too slowly'))
      return
    }
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined
      this.#send()
    })
  }

  #send(): void {
    const registration = this.#registration
    if (registration === undefined) return
    while (registration.inFlight.size < IN_FLIGHT_MAX && this.#unsent.length + this.#unchecked.size > 0)
      this.#sendBatch(registration)
  }

  /** Takes up to {@link BATCH_SIZE} unsent changes, no two for the same peer. */
  #takeChanges(): ClaimChange[] {
    const keys = new Set<string>()
    for (const { key } of this.#unsent) {
      if (keys.size === BATCH_SIZE || keys.has(key)) break
      keys.add(key)
    }
    return this.#unsent.splice(0, keys.size)
  }

  #takeUnchecked(limit: number): ClaimChange[] {
    const unchecked: ClaimChange[] = []
    for (const key of this.#unchecked) {
      if (unchecked.length >= limit) break
      this.#unchecked.delete(key)
      unchecked.push({ key, claim: this.#claims.get(key) })
    }
    return unchecked
  }

  #sendBatch(registration: Registration): void {
    const changes = this.#takeChanges()
    const unchecked = this.#unsent.length > 0 ? [] : this.#takeUnchecked(BATCH_SIZE - changes.length)
    const batch = { sentAt: this.#now(), changes: [...changes, ...unchecked], isCheck: unchecked.length > 0 }
    const args = [
      ...changes.flatMap((change) => argsOf(change, '')),
      ...unchecked.flatMap((change) => argsOf(change, '+'))
    ]
    registration.inFlight.add(batch)
    this.#lastAnswer = this.#commands.apply(this.nextBatchNumber(), args).then(
      (reply) => {
        if (this.#registration !== registration) return
        if (reply === undefined) return this.#lose(registration, new Error('the lease or a batch of claims was lost'))
        this.#answered(registration, batch, reply)
      },
      (error: Error) => this.#lose(registration, error)
    )
  }

  #answered(registration: Registration, batch: ClaimBatch, { sequence, generations, elsewhere }: ApplyResult): void {
    registration.inFlight.delete(batch)
    this.#observer.sequenceKnown(sequence)
    // The owners are reported before the claims are lost.
    for (const record of elsewhere) this.#observer.ownedElsewhere(record)
    for (const [index, { claim }] of batch.changes.entries()) {
      if (claim === undefined) continue
      const generation = generations[index] ?? 0
      if (generation > 0) claim.win(generation)
      else {
        claim.lose()
        if (this.#claims.get(claim.key) === claim) this.#claims.delete(claim.key)
      }
      claim.settle()
    }
    this.#send()
    this.#resolveIfChecked(registration)
  }

  #resolveIfChecked(registration: Registration): void {
    if (this.#unchecked.size > 0) return
    for (const { isCheck } of registration.inFlight) if (isCheck) return
    registration.checked.resolve()
  }

  #lose(registration: Registration, error: Error): void {
    if (this.#registration !== registration) return
    this.close(error)
    this.#observer.outOfSync(error)
  }
}

/** @param suffix - `+` keeps an equal claim of this node in the registry */
function argsOf({ key, claim }: ClaimChange, suffix: string): string[] {
  if (claim === undefined) return ['r', key, '']
  const { generation = 0, onlyIfFree, address } = claim
  return [generation > 0 ? `s${generation}` : (onlyIfFree ? 'a' : 'c') + suffix, key, address]
}

function withResolvers(): PromiseWithResolvers<void> {
  let resolve = (): void => {}
  let reject = (_error: Error): void => {}
  const promise = new Promise<void>((...functions) => ([resolve, reject] = functions))
  promise.catch(() => {}) // the caller of open() handles the error
  return { promise, resolve, reject }
}
