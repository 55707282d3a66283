import { rebase, type StarAddress } from '@websocket-star/protocol'

/** Prefixes remembered; a star has few that are much used. */
const PREFIXES = 1_024

/**
 * Makes addresses that take little memory for as long as they are held: equal prefixes are one string, and none is a part
 * of, or is put together from, others.
 */
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

/** Almost all addresses are a prefix and a peer id: the spelling that is seldom asked for is put together then. */
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

/** The same text without what it was made of: a peer id is read from base58 letter by letter, and V8 keeps each step. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1')
}
