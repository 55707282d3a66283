import type { Backplane, NodeLink } from './backplane.js'

/** Milliseconds for the way there and back, beside what the other node takes to ask its client. */
const SLACK = 1_000

interface Probe {
  readonly link: NodeLink
  readonly settle: (isAlive: boolean) => void
}

/** Questions to other nodes whether a client of theirs is there. */
export class Probes {
  readonly #backplane: Backplane
  readonly #timeout: number
  readonly #waiting = new Map<number, Probe>()
  #nextId = 0

  /** @param timeout - milliseconds that the other node gives its client */
  constructor(backplane: Backplane, timeout: number) {
    this.#backplane = backplane
    this.#timeout = timeout + SLACK
  }

  /** Whether a client of that node that holds a peer is there. A node that does not answer may not be asked: it is. */
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
      this.#waiting.set(id, { link, settle })
      link.send({ type: 'probe', id, key })
    })
  }

  answered(id: number, isAlive: boolean): void {
    this.#waiting.get(id)?.settle(isAlive)
    this.#waiting.delete(id)
  }

  lost(link: NodeLink): void {
    for (const [id, probe] of this.#waiting) if (probe.link === link) this.answered(id, false)
  }
}
