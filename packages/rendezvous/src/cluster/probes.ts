import type { Backplane, NodeLink } from './backplane.js'

/** Milliseconds for the round trip between nodes, in addition to the timeout of the client. */
const ROUND_TRIP = 1_000

interface Probe {
  readonly link: NodeLink
  readonly settle: (isAlive: boolean) => void
}

/** Asks other nodes whether a client of theirs responds. */
export class Probes {
  readonly #backplane: Backplane
  readonly #timeout: number
  readonly #pending = new Map<number, Probe>()
  #nextId = 0

  /** @param timeout - milliseconds that a node gives its client to respond */
  constructor(backplane: Backplane, timeout: number) {
    this.#backplane = backplane
    this.#timeout = timeout + ROUND_TRIP
  }

  /** Asks whether the client that owns a peer responds. If its node does not answer, the client counts as online. */
  ask(node: string, key: string): Promise<boolean> {
    if (this.#backplane.isFenced) return Promise.resolve(true)
    return new Promise((resolve) => {
      const link = this.#backplane.link(node)
      if (link.isLost) return resolve(false)
      const id = this.#nextId
      this.#nextId = (this.#nextId + 1) % 2 ** 32
      const timer = setTimeout(() => this.answered(id, true), this.#timeout).unref()
      const settle = (isAlive: boolean) => {
        clearTimeout(timer)
        resolve(isAlive)
      }
      this.#pending.set(id, { link, settle })
      link.send({ type: 'probe', id, key })
    })
  }

  answered(id: number, isAlive: boolean): void {
    this.#pending.get(id)?.settle(isAlive)
    this.#pending.delete(id)
  }

  lost(link: NodeLink): void {
    for (const [id, probe] of this.#pending) if (probe.link === link) this.answered(id, false)
  }
}
