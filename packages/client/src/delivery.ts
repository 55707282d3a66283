/**
 * Learns when a server has received what was sent to it: it acknowledges a request after all that was sent before. One request is in
 * flight at a time, however many ends of streams wait for it.
 */
export class DeliveryConfirmation {
  /** Sends a request and calls back with its acknowledgement; not at all if the connection is lost. */
  readonly #request: (acknowledged: () => void) => void
  #waiting: (() => void)[] = []
  #isInFlight = false

  constructor(request: (acknowledged: () => void) => void) {
    this.#request = request
  }

  /** Calls back once the server has received all that was sent so far. */
  confirm(delivered: () => void): void {
    this.#waiting.push(delivered)
    if (!this.#isInFlight) this.#ask()
  }

  #ask(): void {
    const covered = this.#waiting
    this.#waiting = []
    this.#isInFlight = true
    this.#request(() => {
      this.#isInFlight = false
      if (this.#waiting.length > 0) this.#ask()
      for (const delivered of covered) delivered()
    })
  }
}
