import { setTimeout as delay } from 'node:timers/promises'
import { eventually, type Random, within } from '@websocket-star/testkit'
import type { NodeLife } from './nodes.js'
import type { Accept, CreatePeer, Peer, Pipe } from './peers/peer.js'
import { Way, type Star } from './ways.js'

/** Milliseconds that a client has to join while there are faults; if it does not, it goes on trying. */
const PATIENCE = 12_000
/** Milliseconds after something has happened to a party in which its streams may still end because of it. */
const AFTERMATH = 3_000
/** Milliseconds that a polite end may take. */
const LEAVE_PATIENCE = 10_000

/** What parties do beside talking. */
const DEEDS = ['move', 'crash', 'freeze', 'overlap', 'visit', 'blip'] as const
export type Deed = (typeof DEEDS)[number]

/** Who a party is, for ever; it has one client after the other. */
export class Party {
  readonly kind: string
  readonly name: string
  readonly #star: Star
  readonly #accept: Accept
  readonly #create: CreatePeer
  readonly #deeds: readonly Deed[]
  #peer: Peer | undefined
  /** What happened to it: milliseconds of `performance.now()`. */
  readonly #upheavals: { from: number; to: number }[] = []
  readonly #all = new Set<Peer>()
  isBusy = false

  /** Its client joins once {@link Party.appear} is called. */
  constructor(
    kind: string,
    index: number,
    star: Star,
    accept: Accept,
    create: CreatePeer,
    deeds: readonly Deed[] = DEEDS
  ) {
    this.kind = kind
    this.name = `${kind}${index}`
    this.#star = star
    this.#accept = accept
    this.#create = create
    this.#deeds = deeds
  }

  get peer(): Peer {
    if (this.#peer === undefined) throw new Error(`${this.name} is not there`)
    return this.#peer
  }

  get isThere(): boolean {
    return this.#peer?.isJoined === true
  }

  get isGone(): boolean {
    return this.#peer === undefined
  }

  /** Nodes that its clients are connected to. */
  get lives(): NodeLife[] {
    return [...this.#all].flatMap(({ way }) => way.lives)
  }

  async dial(far: Party): Promise<Pipe> {
    return await this.peer.dial(far.peer.id)
  }

  /** Whether something happened to it in that time which ends its streams. Milliseconds of `performance.now()`. */
  wasUpset(from: number, to: number): boolean {
    return this.#upheavals.some((one) => one.from <= to && one.to + AFTERMATH >= from)
  }

  async appear(home: number): Promise<void> {
    this.#peer = await this.#open(home)
    await untilJoined(this.#peer)
  }

  async leave(): Promise<void> {
    const peer = this.#peer
    this.#peer = undefined
    if (peer !== undefined) await this.#leave(peer)
  }

  async do(random: Random): Promise<Deed> {
    const deed = random.pick(this.#deeds)
    const home = random.below(this.#star.size)
    const pause = random.below(1_500)
    const upheaval = { from: performance.now(), to: Number.POSITIVE_INFINITY }
    this.#upheavals.push(upheaval)
    try {
      await this.#do(deed, home, pause)
    } finally {
      upheaval.to = performance.now()
    }
    return deed
  }

  async #do(deed: Deed, home: number, pause: number): Promise<void> {
    const { peer } = this
    switch (deed) {
      case 'move':
        await this.#leave(peer)
        await delay(pause)
        return await this.appear(home)
      case 'crash':
        this.#crash(peer)
        await delay(pause)
        return await this.appear(home)
      case 'freeze':
        peer.freeze()
        await this.appear(home)
        await delay(pause)
        return this.#crash(peer)
      case 'overlap':
        await this.appear(home)
        return pause % 2 === 0 ? await this.#leave(peer) : this.#crash(peer)
      case 'visit': {
        const visitor = await this.#open(home)
        await untilJoined(visitor)
        await delay(pause)
        return await this.#leave(visitor)
      }
      case 'blip':
        peer.way.home = home
        peer.way.cut()
        return await untilJoined(peer)
    }
  }

  async #open(home: number): Promise<Peer> {
    const peer = await this.#create(new Way(this.#star, home), this.#accept)
    this.#all.add(peer)
    return peer
  }

  async #leave(peer: Peer): Promise<void> {
    await within(`${this.name} to leave`, peer.leave(), LEAVE_PATIENCE).catch(() => {})
    this.#crash(peer)
  }

  #crash(peer: Peer): void {
    peer.crash()
    this.#all.delete(peer)
  }
}

async function untilJoined(peer: Peer): Promise<void> {
  await eventually('a client to join', () => peer.isJoined, PATIENCE).catch(() => {})
}
