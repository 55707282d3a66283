import type { BackplaneObserver, NodeLink } from '../cluster/backplane.js'
import type { Channels } from '../cluster/channels.js'
import type { Frame } from '../cluster/frames.js'
import type { Probes } from '../cluster/probes.js'
import type { PeerRecord } from '../registry/claim.js'
import type { Ownership } from './ownership.js'

export interface OtherNodesComponents {
  ownership: Ownership
  channels: Channels
  probes: Probes
  onFault: (error: unknown) => void
}

/** Dispatches the reports and requests of other nodes to the part that handles them. */
export class OtherNodes implements BackplaneObserver {
  readonly #components: OtherNodesComponents
  /** Pings in progress, by peer. */
  readonly #probes = new Map<string, Promise<boolean>>()

  constructor(components: OtherNodesComponents) {
    this.#components = components
  }

  joined(record: PeerRecord): void {
    this.#try(() => this.#components.ownership.claimElsewhere(record))
  }

  left(key: string, generation: number): void {
    this.#try(() => this.#components.ownership.releaseElsewhere(key, generation))
  }

  snapshot(records: readonly PeerRecord[], unsure?: ReadonlySet<string>): void {
    this.#try(() => this.#components.ownership.reconcileElsewhere(records, unsure))
  }

  frame(link: NodeLink, frame: Frame): void {
    this.#try(() => {
      switch (frame.type) {
        case 'probe':
          return this.#answerProbe(link, frame.id, frame.key)
        case 'probed':
          return this.#components.probes.answered(frame.id, frame.isAlive)
        default:
          this.#components.channels.frame(link, frame)
      }
    })
  }

  room(link: NodeLink): void {
    this.#try(() => this.#components.channels.room(link))
  }

  lost(link: NodeLink): void {
    this.#try(() => {
      this.#components.channels.lost(link)
      this.#components.probes.lost(link)
    })
  }

  #answerProbe(link: NodeLink, id: number, key: string): void {
    this.#isAlive(key)
      .then((isAlive) => link.send({ type: 'probed', id, isAlive }))
      .catch(this.#components.onFault)
  }

  /** Pings the owner of a peer. Requests of other nodes share a ping in progress. */
  #isAlive(key: string): Promise<boolean> {
    const current = this.#probes.get(key)
    if (current !== undefined) return current
    const answer = this.#components.ownership.isOnlineHere(key).finally(() => this.#probes.delete(key))
    this.#probes.set(key, answer)
    return answer
  }

  #try(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#components.onFault(error)
    }
  }
}
