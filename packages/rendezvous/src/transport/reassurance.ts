import type { FlowControl } from '../relay/flow-control.js'
import type { BacklogWatch } from './backlog.js'

/**
 * Shows clients that the server is alive while their pings and pongs cannot be heard: those that were paused lately, and
 * those whose answers queue behind much else. Without it they would give the connection up.
 */
export class Reassurance {
  readonly #interval: number
  readonly #flow: FlowControl
  readonly #backlog: BacklogWatch
  readonly #now: () => number
  #doneAt = 0

  /** @param interval - milliseconds between two signs of life */
  constructor(interval: number, flow: FlowControl, backlog: BacklogWatch, now: () => number) {
    this.#interval = interval
    this.#flow = flow
    this.#backlog = backlog
    this.#now = now
  }

  sweep(): void {
    const now = this.#now()
    if (now - this.#doneAt < this.#interval) return
    this.#doneAt = now
    for (const client of new Set([...this.#flow.takePaused(), ...this.#backlog.sessions])) client.reassure()
  }
}
