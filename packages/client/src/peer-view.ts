import { parseAddress, parsePeersDelta, type StarAddress } from '@websocket-star/protocol'
import type { Peers } from './peers.js'

export interface PeerViewOptions {
  /** The client's own peer id: it is not told of itself. */
  self: string
  /** Peers remembered at most; what a server tells beyond that is left out. */
  maxPeers: number
  /** Milliseconds after which a peer that is not announced again counts as gone, where a server does not tell who leaves. */
  expiry: number
}

/** Who is there as one server tells it. It reads what a server sends, so that it takes anything and keeps what can be used. */
export class PeerView {
  readonly #peers: Peers
  readonly #options: PeerViewOptions
  readonly #now: () => number
  /** When each was last told of; milliseconds. */
  readonly #seen = new Map<string, number>()
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(peers: Peers, options: PeerViewOptions, now: () => number = () => performance.now()) {
    this.#peers = peers
    this.#options = options
    this.#now = now
  }

  has(id: string): boolean {
    return this.#seen.has(id)
  }

  /** `ws-peer`: one address. */
  announced(text: unknown): void {
    this.#add(text)
    this.#expireLater()
  }

  /** The list in the answer to a join; not all who are there. */
  listed(texts: readonly unknown[]): void {
    for (const text of texts) this.#add(text)
  }

  /** `ss-peers`: what changed, or everything. @returns false if it was no such thing */
  changed(argument: unknown): boolean {
    const delta = parsePeersDelta(argument)
    if (delta === undefined) return false
    if (delta.full === true) {
      const joined = new Set(delta.joined.map((text) => idOf(addressOf(text))))
      for (const id of this.#seen.keys()) if (!joined.has(id)) this.#remove(id)
    }
    for (const text of delta.joined) this.#add(text)
    for (const text of delta.left) {
      const id = idOf(addressOf(text))
      if (id !== undefined) this.#remove(id)
    }
    return true
  }

  /** The connection is gone, and with it all that is known through it. */
  clear(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const id of this.#seen.keys()) this.#remove(id)
  }

  #add(text: unknown): void {
    const address = addressOf(text)
    const id = idOf(address)
    if (address === undefined || id === undefined || id === this.#options.self) return
    if (!this.#seen.has(id) && this.#seen.size >= this.#options.maxPeers) return
    this.#seen.set(id, this.#now())
    this.#peers.add(this, id, address.canonical)
  }

  #remove(id: string): void {
    this.#seen.delete(id)
    this.#peers.remove(this, id)
  }

  #expireLater(): void {
    const { expiry } = this.#options
    this.#timer ??= setInterval(() => {
      const limit = this.#now() - expiry
      for (const [id, at] of this.#seen) if (at <= limit) this.#remove(id)
    }, expiry / 4)
  }
}

function addressOf(text: unknown): StarAddress | undefined {
  try {
    return parseAddress(text)
  } catch {
    return undefined
  }
}

function idOf(address: StarAddress | undefined): string | undefined {
  return address?.peerId ?? address?.canonical
}
