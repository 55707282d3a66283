import type { Endpoint } from './endpoint.js'
import type { Half } from './half.js'
import { IncomingConnections } from './incoming-connections.js'

const HALVES_PER_CONNECTION = 2
/** Part of the limit that an endpoint may always use for connections that it dials itself. */
const OWN_SHARE = 1 / 4
/** Seconds without a chunk after which a connection is quiet. */
const QUIET = 60

/** Limits the halves of each endpoint, and chooses the connection that gives way once an endpoint has reached the limit. */
export class StreamLimit {
  readonly #limit: number
  readonly #halvesOf: (endpoint: Endpoint) => ReadonlyMap<string, Half>
  /** Places reserved for halves that are not open yet. */
  readonly #reservations = new Map<Endpoint, number>()
  /** Connections that others opened to the endpoints that are near the limit. */
  readonly #incoming = new Map<Endpoint, IncomingConnections>()

  constructor(limit: number, halvesOf: (endpoint: Endpoint) => ReadonlyMap<string, Half>) {
    this.#limit = limit
    this.#halvesOf = halvesOf
  }

  hasRoom(endpoint: Endpoint): boolean {
    return (
      this.#halvesOf(endpoint).size + (this.#reservations.get(endpoint) ?? 0) + HALVES_PER_CONNECTION <= this.#limit
    )
  }

  /** Finds a half of the connection that gives way to a new one of `dialer` at `end`, which has reached the limit. */
  halfToGiveWay(end: Endpoint, dialer: Endpoint, seconds: number): Half | undefined {
    const incoming = this.#incomingOf(end)
    if (end !== dialer) return incoming.forDialer(dialer, seconds - QUIET)
    const own = this.#halvesOf(end).size - incoming.size
    return incoming.forSelf(own < this.#limit * OWN_SHARE, seconds - QUIET)
  }

  /** Reserves a place at both endpoints for the other half of a new connection. */
  reserve(half: Half): void {
    half.hasReservation = true
    for (const end of [half.sender, half.receiver]) this.#reservations.set(end, (this.#reservations.get(end) ?? 0) + 1)
  }

  releaseReservation(half: Half): void {
    if (!half.hasReservation) return
    half.hasReservation = false
    for (const end of [half.sender, half.receiver]) {
      const left = (this.#reservations.get(end) ?? 1) - 1
      if (left > 0) this.#reservations.set(end, left)
      else this.#reservations.delete(end)
    }
  }

  added(endpoint: Endpoint, half: Half): void {
    if (half.dialer !== endpoint) this.#incoming.get(endpoint)?.add(half)
  }

  removed(endpoint: Endpoint, half: Half): void {
    if (!this.#isTracked(endpoint)) this.#incoming.delete(endpoint)
    else if (half.dialer !== endpoint) this.#incoming.get(endpoint)?.remove(half)
  }

  /** Returns whether an endpoint's dialers are tracked: from half the limit on, which most endpoints never reach. */
  #isTracked(endpoint: Endpoint): boolean {
    return this.#halvesOf(endpoint).size >= this.#limit / 2
  }

  #incomingOf(endpoint: Endpoint): IncomingConnections {
    const tracked = this.#incoming.get(endpoint)
    if (tracked !== undefined) return tracked
    const incoming = new IncomingConnections()
    for (const half of this.#halvesOf(endpoint).values()) if (half.dialer !== endpoint) incoming.add(half)
    if (this.#isTracked(endpoint)) this.#incoming.set(endpoint, incoming)
    return incoming
  }
}
