import { performance } from 'node:perf_hooks'
import type { RunningServer } from '../../contenders/servers/server.js'
import { CrowdPeer, JoinError, type CrowdContext } from './crowd-peer.js'
import type { Identity } from './identity.js'

/** How often peers are looked at, in milliseconds. Legacy clients ping every 25 s, and wait 20 s for an answer. */
const LOOK_INTERVAL = 250
/** What peers wait for each step of joining, unless that is what is measured; in milliseconds. */
const PATIENCE = 60_000
/** Joins under way at once, where not all come at once. */
const AT_ONCE = 32

/** Many peers of one server in one process, on raw sockets: there is one timer for all of them. */
export class Crowd implements CrowdContext {
  readonly port: number
  readonly challenge: boolean
  stepTimeout = PATIENCE
  announcements = 0
  bytes = 0
  lost = 0
  onAnnouncement: CrowdContext['onAnnouncement']
  readonly #peers: CrowdPeer[] = []
  readonly #timer: NodeJS.Timeout

  constructor({ port, challenge }: Pick<RunningServer, 'port' | 'challenge'>) {
    this.port = port
    this.challenge = challenge
    this.#timer = setInterval(() => {
      const now = performance.now()
      for (const peer of this.#peers) peer.look(now)
    }, LOOK_INTERVAL)
  }

  get peers(): readonly CrowdPeer[] {
    return this.#peers
  }

  /** Adds a peer that is not joined yet. */
  add(identity: Identity): CrowdPeer {
    const peer = new CrowdPeer(identity, this)
    this.#peers.push(peer)
    return peer
  }

  /**
   * Adds peers and has them join, a few at a time.
   *
   * @throws {JoinError} if one fails
   */
  async join(identities: readonly Identity[], each: (peer: CrowdPeer) => void = () => {}): Promise<void> {
    const waiting = identities.map((identity) => this.add(identity)).values()
    const work = async () => {
      for (const peer of waiting) {
        await peer.join()
        each(peer)
      }
    }
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, work))
    } catch (error) {
      if (!(error instanceof JoinError)) throw error
      const joined = this.#peers.filter((peer) => peer.joined).length
      throw new JoinError(error.failure, `${joined} peers were joined: ${error.message}`)
    }
  }

  /** Drops all peers and forgets them. */
  clear(): void {
    for (const peer of this.#peers) peer.drop()
    this.#peers.length = 0
  }

  close(): void {
    this.clear()
    clearInterval(this.#timer)
  }
}
