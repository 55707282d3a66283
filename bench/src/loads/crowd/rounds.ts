import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import type { RunningServer } from '../../contenders/servers/server.js'
import { Crowd } from './crowd.js'
import type { CrowdPeer } from './crowd-peer.js'
import { ed25519Identities } from './identity.js'

/** How often everyone has to be announced to until all know all. */
export interface RoundsCase {
  kind: 'rounds'
  peers: number
  /** Milliseconds between two rounds. */
  interval: number
}

export interface RoundsFigures {
  /** Infinite if not everyone had heard of everyone when the time was up. */
  rounds: number
  /** Of what each peer could hear of in the first round, the share it did, in percent. */
  first: number
}

/** Rounds that are waited for at most. */
const PATIENCE = 20
const LOOK_INTERVAL = 20
/** What follows a peer id in an announcement: `"]`. */
const TAIL = 2

/** Counts from a round on; what peers heard when they and others joined does not count. */
export async function measureRounds(server: RunningServer, { peers, interval }: RoundsCase): Promise<RoundsFigures> {
  const crowd = new Crowd(server)
  await crowd.join(ed25519Identities(peers))
  // What newcomers caused has ended by now, and a round that is half over does not count.
  await delay(2 * interval)
  await quiet(crowd, interval / 4)
  const known = new Knowledge(crowd.peers)
  crowd.onAnnouncement = (peer, bytes, _start, end) => known.hear(peer, bytes, end)
  const deadline = performance.now() + (PATIENCE + 1) * interval
  const of = peers * (peers - 1)
  let first = 0
  while (known.pairs < of && performance.now() < deadline) {
    await delay(LOOK_INTERVAL)
    if (performance.now() - known.begin < interval * 0.75) first = known.pairs
  }
  crowd.close()
  const took = 1 + Math.floor((known.last - known.begin) / interval)
  return { rounds: known.pairs === of ? took : Number.POSITIVE_INFINITY, first: (first / of) * 100 }
}

/** Waits until nothing was announced for a while; if that never happens, for so long that it does not matter. */
async function quiet(crowd: Crowd, pause: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    const before = crowd.announcements
    await delay(pause)
    if (crowd.announcements === before) return
  }
}

/** Who has heard of whom. */
class Knowledge {
  /** Peers and others they have heard of. */
  pairs = 0
  /** When the first announcement came, and the last that was news. */
  begin = Number.NaN
  last = Number.NaN
  /** Places of peers, by which it is noted whom each has heard of. */
  readonly #places: ReadonlyMap<CrowdPeer, number>
  readonly #placesById: ReadonlyMap<string, number>
  readonly #idLength: number
  readonly #heard: Uint8Array

  constructor(peers: readonly CrowdPeer[]) {
    this.#places = new Map(peers.map((peer, place) => [peer, place]))
    this.#placesById = new Map(peers.map(({ identity }, place) => [identity.id, place]))
    this.#idLength = peers[0]?.identity.id.length ?? 0
    this.#heard = new Uint8Array(peers.length * peers.length)
  }

  hear(by: CrowdPeer, bytes: Buffer, end: number): void {
    const of = this.#placesById.get(bytes.toString('latin1', end - TAIL - this.#idLength, end - TAIL))
    const at = this.#places.get(by)
    if (of === undefined || at === undefined) return
    if (Number.isNaN(this.begin)) this.begin = performance.now()
    const pair = at * this.#places.size + of
    if (this.#heard[pair] === 1) return
    this.#heard[pair] = 1
    this.pairs++
    this.last = performance.now()
  }
}
