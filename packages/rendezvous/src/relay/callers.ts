import type { Endpoint } from './endpoint.js'
import type { Half } from './half.js'

/** Halves of a connection: who has that many more than another gives one up to it. */
const CONNECTION = 2

/** Halves of the connections that came from one network, by caller. */
interface Network {
  size: number
  readonly callers: Map<unknown, Set<Half>>
}

/**
 * The connections that others opened to one endpoint, by whom. Once the endpoint has no room, this decides which of them gives
 * way to a new one: see `docs/flow-control.md`.
 */
export class Callers {
  readonly #networks = new Map<unknown, Network>()
  #size = 0

  /** Halves of these connections. */
  get size(): number {
    return this.#size
  }

  add(half: Half): void {
    const { network: key, caller } = half.dialer
    let network = this.#networks.get(key)
    if (network === undefined) this.#networks.set(key, (network = { size: 0, callers: new Map() }))
    const halves = network.callers.get(caller)
    if (halves === undefined) network.callers.set(caller, new Set([half]))
    else halves.add(half)
    network.size++
    this.#size++
  }

  remove(half: Half): void {
    const { network: key, caller } = half.dialer
    const network = this.#networks.get(key)
    const halves = network?.callers.get(caller)
    if (network === undefined || halves === undefined || !halves.delete(half)) return
    network.size--
    this.#size--
    if (halves.size === 0) network.callers.delete(caller)
    if (network.size === 0) this.#networks.delete(key)
  }

  /**
   * Finds a half whose connection gives way to one more of `dialer`: of the network, and in it of the caller, with the most,
   * as long as these have more than the dialler. Where all have about as many, only a quiet connection gives way.
   *
   * @param quietSince - a connection is quiet if it was last used then or before; seconds of the server's clock
   */
  forDialer({ network: key, caller }: Endpoint, quietSince: number): Half | undefined {
    const own = this.#networks.get(key)
    const ofNetwork = own?.size ?? 0
    const ofCaller = own?.callers.get(caller)?.size ?? 0
    const most = largest(this.#networks.values())
    if (most > ofNetwork + CONNECTION) return this.#ofLargest(most)
    const mostInOwn = own === undefined ? 0 : largest(own.callers.values())
    if (mostInOwn > ofCaller + CONNECTION) return this.#idlest((network) => (network === own ? mostInOwn : undefined))
    return this.#quiet(quietSince, (network) => {
      if (network === own) return ofCaller + 1
      return network.size > ofNetwork ? 1 : undefined
    })
  }

  /**
   * Finds a half whose connection gives way to one that the endpoint opens itself.
   *
   * @param isOwed - the endpoint has few of its own: one that is in use gives way too
   * @param quietSince - as for {@link forDialer}
   */
  forSelf(isOwed: boolean, quietSince: number): Half | undefined {
    return isOwed ? this.#ofLargest(largest(this.#networks.values())) : this.#quiet(quietSince, () => 1)
  }

  #ofLargest(most: number): Half | undefined {
    return this.#idlest((network) => {
      if (network.size < most) return undefined
      return network.callers.size === 1 ? most : largest(network.callers.values())
    })
  }

  #quiet(since: number, leastOf: (network: Network) => number | undefined): Half | undefined {
    const half = this.#idlest(leastOf)
    return half !== undefined && half.connectionUsedAt <= since ? half : undefined
  }

  /** @param leastOf - how many halves a caller of that network must have to be considered; undefined leaves all of it out */
  #idlest(leastOf: (network: Network) => number | undefined): Half | undefined {
    let idlest: Half | undefined
    for (const network of this.#networks.values()) {
      const least = leastOf(network)
      if (least === undefined) continue
      for (const halves of network.callers.values()) {
        if (halves.size < least) continue
        for (const half of halves) {
          if (idlest === undefined || half.connectionUsedAt < idlest.connectionUsedAt) idlest = half
        }
      }
    }
    return idlest
  }
}

function largest(groups: Iterable<{ readonly size: number }>): number {
  let most = 0
  for (const { size } of groups) if (size > most) most = size
  return most
}
