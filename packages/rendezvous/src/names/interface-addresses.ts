import { networkInterfaces } from 'node:os'

/** Milliseconds between reads of the interfaces. */
const READ_INTERVAL = 1_000

/** IP addresses of this machine, which may change while the server runs. */
export class InterfaceAddresses {
  readonly #list: () => readonly string[]
  readonly #now: () => number
  #known: ReadonlySet<string> = new Set()
  #readAt = Number.NEGATIVE_INFINITY

  constructor(list: () => readonly string[] = listAddresses, now: () => number = () => performance.now()) {
    this.#list = list
    this.#now = now
  }

  /** @param ip - in canonical form */
  has(ip: string): boolean {
    const now = this.#now()
    if (this.#known.has(ip) || now - this.#readAt < READ_INTERVAL) return this.#known.has(ip)
    this.#readAt = now
    this.#known = new Set(this.#list())
    return this.#known.has(ip)
  }
}

function listAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))
}
