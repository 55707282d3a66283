import type { BackplaneObserver, NodeLink } from '../cluster/backplane.js'
import type { Channels } from '../cluster/channels.js'
import type { Frame } from '../cluster/frames.js'
import type { Probes } from '../cluster/probes.js'
import type { PeerRecord } from '../registry/claim.js'
import type { Ownership } from './ownership.js'

export interface OtherNodesParts {
  ownership: Ownership
  channels: Channels
  probes: Probes
  onFault: (error: unknown) => void
}

/** Hands what other nodes report and ask to the part that decides. */
export class OtherNodes implements BackplaneObserver {
  readonly #parts: OtherNodesParts
  /** Peers whose clients are being asked whether they are there. */
  readonly #asked = new Map<string, Promise<boolean>>()

  constructor(parts: OtherNodesParts) {
    this.#parts = parts
  }

  joined(record: PeerRecord): void {
    this.#try(() => this.#parts.ownership.claimElsewhere(record))
  }

  left(key: string, generation: number): void {
    this.#try(() => this.#parts.ownership.releaseElsewhere(key, generation))
  }

  snapshot(records: readonly PeerRecord[], unsure?: ReadonlySet<string>): void {
    this.#try(() => this.#parts.ownership.reconcileElsewhere(records, unsure))
  }

  frame(link: NodeLink, frame: Frame): void {
    this.#try(() => {
      switch (frame.type) {
        case 'probe':
          return this.#answerProbe(link, frame.id, frame.key)
        case 'probed':
          return this.#parts.probes.answered(frame.id, frame.isAlive)
        default:
          this.#parts.channels.frame(link, frame)
      }
    })
  }

  room(link: NodeLink): void {
    this.#try(() => this.#parts.channels.room(link))
  }

  lost(link: NodeLink): void {
    this.#try(() => {
      this.#parts.channels.lost(link)
      this.#parts.probes.lost(link)
    })
  }

  #answerProbe(link: NodeLink, id: number, key: string): void {
    this.#isAlive(key)
      .then((isAlive) => link.send({ type: 'probed', id, isAlive }))
      .catch(this.#parts.onFault)
  }

  /** However many other nodes ask, and how often, a client is asked once at a time. */
  #isAlive(key: string): Promise<boolean> {
    const asked = this.#asked.get(key)
    if (asked !== undefined) return asked
    const answer = this.#parts.ownership.isHereAlive(key).finally(() => this.#asked.delete(key))
    this.#asked.set(key, answer)
    return answer
  }

  /** What goes wrong here is told, and stops nothing else. */
  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#parts.onFault(error)
    }
  }
}
