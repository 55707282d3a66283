import { createHash } from 'node:crypto'
import { within } from '@websocket-star/testkit'
import type { Backplane, BackplaneObserver, NodeLink } from '../../../src/cluster/backplane.js'
import type { Frame } from '../../../src/cluster/frames.js'
import { Claim, type PeerRecord } from '../../../src/registry/claim.js'

export type Owner = Pick<PeerRecord, 'node' | 'generation'>

/** A node that tracks the events of its backplane, as a server does. */
export class TestNode implements BackplaneObserver {
  readonly backplane: Backplane
  readonly others = new Map<string, PeerRecord>()
  /** Calls of `snapshot`, `joined` and `left`, oldest first. */
  readonly told: (readonly ['snapshot', number] | readonly ['joined' | 'left', string, number])[] = []
  readonly lostLinks: NodeLink[] = []
  rooms = 0
  /** Its newest claim to each peer, until it is released or outdated. */
  readonly #own = new Map<string, Claim>()
  /** By peer: newest generation of another node while its own claim is unsettled. */
  readonly #heardMeanwhile = new Map<string, number>()
  readonly #frames = new Map<string, Frame[]>()
  readonly #looks = new Set<() => void>()

  constructor(backplane: Backplane) {
    this.backplane = backplane
  }

  get id(): string {
    return this.backplane.node
  }

  async start(): Promise<void> {
    await this.backplane.start(this)
  }

  claim(key: string, { onlyIfFree = false, address = addressOf(key) } = {}): Claim {
    const claim = new Claim(key, address, onlyIfFree)
    this.#own.set(key, claim)
    this.backplane.claim(claim)
    void claim.settled.then(() => this.#settled(claim))
    return claim
  }

  /** Claims a peer. @returns the settled claim, which may be lost */
  async tryToHold(key: string, options?: { onlyIfFree?: boolean; address?: string }): Promise<Claim> {
    const claim = this.claim(key, options)
    await settled(claim)
    return claim
  }

  /** Claims a peer. @returns the winning claim */
  async own(
    key: string,
    options?: { onlyIfFree?: boolean; address?: string }
  ): Promise<Claim & { generation: number }> {
    const claim = await this.tryToHold(key, options)
    const { generation } = claim
    if (generation === undefined) throw new Error(`the claim to ${key} settled without a generation`)
    return Object.assign(claim, { generation })
  }

  release(claim: Claim): void {
    if (this.#own.get(claim.key) === claim) this.#own.delete(claim.key)
    this.backplane.release(claim)
  }

  /** Returns the owner of a peer as far as this node knows. */
  owner(key: string): Owner | undefined {
    const own = this.#own.get(key)?.generation
    if (own !== undefined) return { node: this.id, generation: own }
    const other = this.others.get(key)
    return other && { node: other.node, generation: other.generation }
  }

  /** Sends a frame once the link has room. @returns whether it had to wait */
  async send(link: NodeLink, frame: Frame): Promise<boolean> {
    const hasToWait = frame.type === 'data' && !link.hasRoom
    if (hasToWait) await this.until(`room to ${link.node}`, () => link.hasRoom)
    link.send(frame)
    return hasToWait
  }

  /** Returns the frames received from a node over all links, shortened by {@link brief}. */
  framesFrom({ id }: TestNode): readonly Frame[] {
    return this.#frames.get(id) ?? []
  }

  /** Waits for a condition, which is checked after each event and each settled claim. */
  async until(what: string, probe: () => boolean): Promise<void> {
    if (probe()) return
    let look = (): void => {}
    const seen = new Promise<void>((resolve) => {
      look = () => {
        if (probe()) resolve()
      }
    })
    this.#looks.add(look)
    try {
      await within(`${what}, at ${this.id}`, seen)
    } finally {
      this.#looks.delete(look)
    }
  }

  /** Waits until this node knows the given owner; undefined means none. */
  async untilOwned(key: string, expected: Owner | undefined): Promise<void> {
    await this.until(`${key} held by ${JSON.stringify(expected)}`, () => isSameOwner(this.owner(key), expected))
  }

  joined(record: PeerRecord): void {
    this.told.push(['joined', record.key, record.generation])
    this.#heard(record)
    this.#look()
  }

  left(key: string, generation: number): void {
    this.told.push(['left', key, generation])
    const record = this.others.get(key)
    if (record !== undefined && record.generation <= generation) this.others.delete(key)
    this.#outdated(key, generation)
    this.#look()
  }

  snapshot(records: readonly PeerRecord[]): void {
    this.told.push(['snapshot', records.length])
    this.others.clear()
    for (const record of records) this.#heard(record)
    this.#look()
  }

  frame(link: NodeLink, frame: Frame): void {
    const frames = this.#frames.get(link.node) ?? []
    this.#frames.set(link.node, frames)
    frames.push(brief(frame))
    this.#look()
  }

  room(): void {
    this.rooms++
    this.#look()
  }

  lost(link: NodeLink): void {
    this.lostLinks.push(link)
    this.#look()
  }

  #heard(record: PeerRecord): void {
    if ((this.others.get(record.key)?.generation ?? 0) > record.generation) return
    this.others.set(record.key, record)
    this.#outdated(record.key, record.generation)
  }

  /** Drops its claim if that generation is newer. */
  #outdated(key: string, generation: number): void {
    const claim = this.#own.get(key)
    if (claim === undefined) return
    if (claim.generation === undefined) {
      this.#heardMeanwhile.set(key, Math.max(generation, this.#heardMeanwhile.get(key) ?? 0))
    } else if (claim.generation < generation) this.#own.delete(key)
  }

  #settled(claim: Claim): void {
    const { key, generation } = claim
    if (claim.isLost) this.#forgetOwn(claim)
    else if (this.#own.get(key) === claim && generation !== undefined) {
      const newest = Math.max(this.#heardMeanwhile.get(key) ?? 0, this.others.get(key)?.generation ?? 0)
      this.#heardMeanwhile.delete(key)
      if (generation < newest) this.#own.delete(key)
      else this.others.delete(key)
    }
    this.#look()
  }

  #forgetOwn(claim: Claim): void {
    if (this.#own.get(claim.key) !== claim) return
    this.#own.delete(claim.key)
    this.#heardMeanwhile.delete(claim.key)
  }

  #look(): void {
    for (const look of this.#looks) look()
  }
}

export async function settled(claim: Claim): Promise<void> {
  await within(`a claim to ${claim.key} to settle`, claim.settled)
}

export function isSameOwner(one: Owner | undefined, other: Owner | undefined): boolean {
  return one?.node === other?.node && one?.generation === other?.generation
}

/** Replaces large bytes by their length and hash, for quick comparison and readable differences. */
export function brief(frame: Frame): Frame {
  if (frame.type !== 'data' || frame.bytes.length < 100) return frame
  const hash = createHash('sha256').update(frame.bytes).digest('hex')
  return { ...frame, bytes: Buffer.from(`${frame.bytes.length} ${hash}`) }
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

export function keyOf(index: number): string {
  const digits = Array.from({ length: 6 }, (_, place) => BASE58[Math.floor(index / 58 ** place) % 58])
  return `12D3KooWConformanceConformanceConformanceConf${digits.join('')}`
}

export function addressOf(key: string): string {
  return `/dns4/star.example/tcp/443/wss/p2p-websocket-star/p2p/${key}`
}
