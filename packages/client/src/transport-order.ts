export type TransportName = 'websocket' | 'polling'

/** Milliseconds for which attempts begin with polling after a WebSocket was silent. */
const POLLING_FIRST_FOR = 600_000

/**
 * The order in which attempts to connect to one server use the transports. Some proxies and antivirus programs let a WebSocket open
 * and then hold back its frames. So after an attempt by WebSocket that was not answered, the next ones begin with polling, and use a
 * WebSocket only once frames pass in both directions.
 */
export class TransportOrder {
  readonly #preferred: readonly TransportName[]
  readonly #now: () => number
  #pollingUntil = Number.NEGATIVE_INFINITY

  constructor(preferred: readonly TransportName[], now: () => number = () => performance.now()) {
    this.#preferred = preferred
    this.#now = now
  }

  /** Transports of the next attempt, in order. */
  get current(): readonly TransportName[] {
    if (!this.#preferred.includes('polling') || this.#now() >= this.#pollingUntil) return this.#preferred
    return ['polling', ...this.#preferred.filter((name) => name !== 'polling')]
  }

  /** Called when an attempt was not answered in time. */
  unanswered(): void {
    // If polling is not answered either, the silence has another reason.
    this.#pollingUntil = this.current[0] === 'websocket' ? this.#now() + POLLING_FIRST_FOR : Number.NEGATIVE_INFINITY
  }

  /** Called when frames of a WebSocket have passed in both directions. */
  webSocketWorks(): void {
    this.#pollingUntil = Number.NEGATIVE_INFINITY
  }
}
