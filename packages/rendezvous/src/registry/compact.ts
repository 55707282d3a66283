import { rebase, type StarAddress } from '@websocket-star/protocol'

/** Maximum number of shared prefixes; most stars use few. */
const PREFIXES = 1_024

/** Copies addresses to take little memory: equal prefixes share one string, and no string keeps a larger one in memory. */
export class Compactor {
  readonly #prefixes = new Map<string, string>()

  compact({ canonical, legacy, prefix, peerId, strict }: StarAddress): StarAddress {
    const shared = prefix === undefined ? undefined : this.#share(prefix)
    if (shared === undefined || peerId === undefined || rebase(peerId, shared, 'legacy') !== legacy) {
      return {
        canonical: flat(canonical),
        legacy: flat(legacy),
        prefix: shared,
        peerId: peerId && flat(peerId),
        strict
      }
    }
    return new OwnedAddress(flat(canonical), shared, flat(peerId), strict)
  }

  #share(prefix: string): string {
    const known = this.#prefixes.get(prefix)
    if (known !== undefined) return known
    if (this.#prefixes.size >= PREFIXES) this.#prefixes.clear()
    const own = flat(prefix)
    this.#prefixes.set(own, own)
    return own
  }
}

/** Address of a prefix and a peer id. The legacy spelling is rarely needed, so it is built on demand. */
class OwnedAddress implements StarAddress {
  readonly canonical: string
  readonly prefix: string
  readonly peerId: string
  readonly strict: boolean

  constructor(canonical: string, prefix: string, peerId: string, strict: boolean) {
    this.canonical = canonical
    this.prefix = prefix
    this.peerId = peerId
    this.strict = strict
  }

  get legacy(): string {
    return rebase(this.peerId, this.prefix, 'legacy')
  }
}

/** Returns an equal string that keeps no other in memory. V8 keeps the parts of a concatenated string. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
