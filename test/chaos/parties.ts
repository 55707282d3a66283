import { setTimeout as delay } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { keyFromSeed, type StarPrivateKey } from '@websocket-star/client'
import { eventually, type Random, within } from '@websocket-star/testkit'
import { peerIdOf } from '../support/generations.js'
import type { NodeLife, Places } from './nodes.js'
import { ClientPeer } from './peers/client.js'
import { LegacyPeer } from './peers/legacy.js'
import { Libp2pPeer } from './peers/libp2p.js'
import type { Accept, Peer, PeerKind, Pipe } from './peers/peer.js'
import { Way } from './ways.js'

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
  readonly name: string
  readonly kind: PeerKind
  readonly #places: Places
  readonly #accept: Accept
  readonly #create: (way: Way, accept: Accept) => Promise<Peer>
  #peer: Peer | undefined
  /** What happened to it: milliseconds of `performance.now()`. */
  readonly #upheavals: { from: number; to: number }[] = []
  readonly #all = new Set<Peer>()
  isBusy = false

  private constructor(
    name: string,
    kind: PeerKind,
    places: Places,
    accept: Accept,
    create: (way: Way, accept: Accept) => Promise<Peer>
  ) {
    this.name = name
    this.kind = kind
    this.#places = places
    this.#accept = accept
    this.#create = create
  }

  /** Its client joins once {@link Party.appear} is called. */
  static async create(kind: PeerKind, index: number, places: Places, accept: Accept): Promise<Party> {
    return new Party(`${kind}${index}`, kind, places, accept, await creator(kind, index))
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
    const deed = this.kind === 'libp2p' ? random.pick(['move', 'blip'] as const) : random.pick(DEEDS)
    const home = random.below(this.#places.all.length)
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
    const peer = await this.#create(new Way(this.#places, home), this.#accept)
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

/** Makes clients of one identity. */
async function creator(kind: PeerKind, index: number): Promise<(way: Way, accept: Accept) => Promise<Peer>> {
  switch (kind) {
    case 'client': {
      const key: StarPrivateKey = await keyFromSeed(Buffer.alloc(32, `client ${index}`))
      return async (way, accept) => await ClientPeer.open(key, way, accept)
    }
    case 'legacy': {
      const key = await peerIdOf(`legacy ${index}`)
      return async (way, accept) => new LegacyPeer(key, way, accept)
    }
    case 'libp2p': {
      const key = await generateKeyPair('Ed25519')
      return async (way, accept) => await Libp2pPeer.open(key, way, accept)
    }
  }
}

async function untilJoined(peer: Peer): Promise<void> {
  await eventually('a client to join', () => peer.isJoined, PATIENCE).catch(() => {})
}
