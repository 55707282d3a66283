import { Callers } from './callers.js'
import type { Endpoint } from './endpoint.js'
import type { Half } from './half.js'

/** Halves of a connection. */
const CONNECTION = 2
/** The part of its room that an endpoint gets for the connections it opens itself, whoever has taken it. */
const OWN_SHARE = 1 / 4
/** Seconds without a chunk after which a connection is quiet. */
const QUIET = 60

/** The room that endpoints have for halves, and who gives way where it is short. */
export class Room {
  readonly #limit: number
  readonly #halvesOf: (endpoint: Endpoint) => ReadonlyMap<string, Half>
  /** Halves that are still to come, at both of their ends. */
  readonly #awaited = new Map<Endpoint, number>()
  /** Who dialled the endpoints that have had no room lately. */
  readonly #callers = new Map<Endpoint, Callers>()

  /** @param limit - halves that one endpoint may have */
  constructor(limit: number, halvesOf: (endpoint: Endpoint) => ReadonlyMap<string, Half>) {
    this.#limit = limit
    this.#halvesOf = halvesOf
  }

  /** Returns whether an endpoint may have one more connection. */
  isFree(endpoint: Endpoint): boolean {
    return this.#halvesOf(endpoint).size + (this.#awaited.get(endpoint) ?? 0) + CONNECTION <= this.#limit
  }

  /**
   * Finds a half whose connection gives way to one that `dialer` asks for.
   *
   * @param end - an end of that connection that has no room
   * @param seconds - the server's clock
   */
  toGiveWay(end: Endpoint, dialer: Endpoint, seconds: number): Half | undefined {
    const callers = this.#callersOf(end)
    if (end !== dialer) return callers.forDialer(dialer, seconds - QUIET)
    const own = this.#halvesOf(end).size - callers.size
    return callers.forSelf(own < this.#limit * OWN_SHARE, seconds - QUIET)
  }

  /** Keeps room at both ends for the other half of a new connection. */
  await(half: Half): void {
    half.isAwaited = true
    for (const end of [half.sender, half.receiver]) this.#awaited.set(end, (this.#awaited.get(end) ?? 0) + 1)
  }

  /** That other half is open, or will not come. */
  awaitNoMore(half: Half): void {
    if (!half.isAwaited) return
    half.isAwaited = false
    for (const end of [half.sender, half.receiver]) {
      const left = (this.#awaited.get(end) ?? 1) - 1
      if (left > 0) this.#awaited.set(end, left)
      else this.#awaited.delete(end)
    }
  }

  added(endpoint: Endpoint, half: Half): void {
    if (half.dialer !== endpoint) this.#callers.get(endpoint)?.add(half)
  }

  removed(endpoint: Endpoint, half: Half): void {
    if (!this.#isShort(endpoint)) this.#callers.delete(endpoint)
    else if (half.dialer !== endpoint) this.#callers.get(endpoint)?.remove(half)
  }

  /** Only then it is known who dialled an endpoint, for most never come near their limit. */
  #isShort(endpoint: Endpoint): boolean {
    return this.#halvesOf(endpoint).size >= this.#limit / 2
  }

  #callersOf(endpoint: Endpoint): Callers {
    const known = this.#callers.get(endpoint)
    if (known !== undefined) return known
    const callers = new Callers()
    for (const half of this.#halvesOf(endpoint).values()) if (half.dialer !== endpoint) callers.add(half)
    if (this.#isShort(endpoint)) this.#callers.set(endpoint, callers)
    return callers
  }
}
