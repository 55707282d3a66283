/** Gives each of several senders its turn, one after another, one per turn of the event loop. */
export class Turn {
  readonly #actions: (() => boolean)[] = []
  #next = 0
  #running = false
  #scheduled = false

  /** @param action - returns false if there was nothing to do */
  add(action: () => boolean): void {
    this.#actions.push(action)
  }

  start(): void {
    this.#running = true
    this.wake()
  }

  stop(): void {
    this.#running = false
  }

  /** There may be something to do again. */
  wake(): void {
    if (this.#scheduled || !this.#running) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (this.#step()) this.wake()
    })
  }

  #step(): boolean {
    for (let tried = 0; tried < this.#actions.length; tried++) {
      const action = this.#actions[this.#next]
      this.#next = (this.#next + 1) % this.#actions.length
      if (action?.() === true) return true
    }
    return false
  }
}
