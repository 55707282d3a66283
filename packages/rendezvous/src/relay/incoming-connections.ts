import type { Endpoint } from './endpoint.js'
import type { Half } from './half.js'

/** Halves of one connection: the lead of a network or dialer up to which only its quiet connections give way. */
const HALVES_PER_CONNECTION = 2

interface NetworkHalves {
  size: number
  readonly byDialer: Map<unknown, Set<Half>>
}

/**
 * The connections that others opened to one endpoint, by network and dialer. When the endpoint has reached its limit, this
 * class chooses the connection that gives way to a new one. `docs/flow-control.md` has the rules.
 */
export class IncomingConnections {
  readonly #networks = new Map<unknown, NetworkHalves>()
  #size = 0

  /** Number of halves of these connections. */
  get size(): number {
    return this.#size
  }

  add(half: Half): void {
    const { network: key, identity } = half.dialer
    let network = this.#networks.get(key)
    if (network === undefined) this.#networks.set(key, (network = { size: 0, byDialer: new Map() }))
    const halves = network.byDialer.get(identity)
    if (halves === undefined) network.byDialer.set(identity, new Set([half]))
    else halves.add(half)
    network.size++
    this.#size++
  }

  remove(half: Half): void {
    const { network: key, identity } = half.dialer
    const network = this.#networks.get(key)
    const halves = network?.byDialer.get(identity)
    if (network === undefined || halves === undefined || !halves.delete(half)) return
    network.size--
    this.#size--
    if (halves.size === 0) network.byDialer.delete(identity)
    if (network.size === 0) this.#networks.delete(key)
  }

  /**
   * Finds a half of the connection that gives way to a new one of `dialer`. If no other network or dialer leads by more than one
   * connection, only a connection that was last used at `quietSince` or before gives way. Seconds of the server's clock.
   */
  forDialer({ network: key, identity }: Endpoint, quietSince: number): Half | undefined {
    const own = this.#networks.get(key)
    const ofNetwork = own?.size ?? 0
    const ofDialer = own?.byDialer.get(identity)?.size ?? 0
    const most = largest(this.#networks.values())
    if (most > ofNetwork + HALVES_PER_CONNECTION) return this.#ofLargest(most)
    const mostInOwn = own === undefined ? 0 : largest(own.byDialer.values())
    if (mostInOwn > ofDialer + HALVES_PER_CONNECTION)
      return this.#idlest((network) => (network === own ? mostInOwn : undefined))
    return this.#quiet(quietSince, (network) => {
      if (network === own) return ofDialer + 1
      return network.size > ofNetwork ? 1 : undefined
    })
  }

  /** Finds a half of the connection that gives way to one dialled by the endpoint itself: a quiet one unless `isBelowShare`. */
  forSelf(isBelowShare: boolean, quietSince: number): Half | undefined {
    return isBelowShare ? this.#ofLargest(largest(this.#networks.values())) : this.#quiet(quietSince, () => 1)
  }

  #ofLargest(most: number): Half | undefined {
    return this.#idlest((network) => {
      if (network.size < most) return undefined
      return network.byDialer.size === 1 ? most : largest(network.byDialer.values())
    })
  }

  #quiet(since: number, minimumOf: (network: NetworkHalves) => number | undefined): Half | undefined {
    const half = this.#idlest(minimumOf)
    return half !== undefined && half.connectionUsedAt <= since ? half : undefined
  }

  /** @param minimumOf - returns the halves that a dialer of a network needs to be considered; undefined excludes the network */
  #idlest(minimumOf: (network: NetworkHalves) => number | undefined): Half | undefined {
    let idlest: Half | undefined
    for (const network of this.#networks.values()) {
      const minimum = minimumOf(network)
      if (minimum === undefined) continue
      for (const halves of network.byDialer.values()) {
        if (halves.size < minimum) continue
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
