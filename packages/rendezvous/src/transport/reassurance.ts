import type { FlowControl } from '../relay/flow-control.js'
import type { BacklogWatch } from './backlog.js'

/**
 * Sends signs of life to clients that were paused lately or have a large backlog. Such clients would otherwise time out, because
 * their pings and pongs are not processed, or the replies are queued behind the backlog.
 */
export class Reassurance {
  readonly #interval: number
  readonly #flow: FlowControl
  readonly #backlog: BacklogWatch
  readonly #now: () => number
  #doneAt = 0

  /** @param interval - milliseconds between signs of life */
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
