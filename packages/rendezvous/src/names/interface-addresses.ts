import { networkInterfaces } from 'node:os'

/** Milliseconds between reads of the interfaces. */
const LOOK_AGAIN = 1_000

/** IP addresses of this machine, which may change while the server runs. */
export class InterfaceAddresses {
  readonly #list: () => readonly string[]
  readonly #now: () => number
  #known: ReadonlySet<string> = new Set()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(list: () => readonly string[] = listAddresses, now: () => number = () => performance.now()) {
    this.#list = list
    this.#now = now
  }

  /** @param ip - in canonical form */
  has(ip: string): boolean {
    const now = this.#now()
    if (this.#known.has(ip) || now - this.#lookedAt < LOOK_AGAIN) return this.#known.has(ip)
    this.#lookedAt = now
    this.#known = new Set(this.#list())
    return this.#known.has(ip)
  }
}

function listAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))
}
