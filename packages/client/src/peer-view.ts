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
  /** Who was there before a list that is not complete, and has not been named by it. */
  #stale: Set<string> | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  /** Who is not told of again counts as gone: for servers that do not tell who leaves. */
  expires = true

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
  }

  /** The list in the answer to a join; not all who are there. */
  listed(texts: readonly unknown[]): void {
    for (const text of texts) this.#add(text)
  }

  /**
   * `ss-peers`: what changed, or everything, perhaps in parts. Of lists that are longer than all the peers that are
   * remembered, that much.
   */
  changed(argument: unknown): void {
    const delta = parsePeersDelta(argument)
    if (delta === undefined) return
    const { maxPeers } = this.#options
    const joined = delta.joined.slice(0, maxPeers).flatMap((text) => addressOf(text) ?? [])
    const left = delta.left.slice(0, maxPeers).flatMap((text) => addressOf(text) ?? [])
    if (delta.full === true) this.#stale = new Set(this.#seen.keys())
    for (const address of joined) this.#stale?.delete(idOf(address))
    // Before the others come, for there may be room for so many only.
    if (delta.more === false || (delta.full === true && delta.more !== true)) this.#endList()
    for (const address of joined) this.#addAddress(address)
    for (const address of left) this.#remove(idOf(address))
  }

  /** A list is complete: whoever was there before and is not in it is gone. */
  #endList(): void {
    const stale = this.#stale ?? []
    this.#stale = undefined
    for (const id of stale) this.#remove(id)
  }

  /** The connection is gone, and with it all that is known through it. */
  clear(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#stale = undefined
    for (const id of this.#seen.keys()) this.#remove(id)
  }

  #add(text: unknown): void {
    const address = addressOf(text)
    if (address !== undefined) this.#addAddress(address)
  }

  #addAddress(address: StarAddress): void {
    const id = idOf(address)
    if (id === this.#options.self) return
    if (!this.#seen.has(id) && this.#seen.size >= this.#options.maxPeers && !this.#makeRoom()) return
    this.#seen.set(id, this.#now())
    this.#peers.add(this, id, address.canonical)
    if (this.expires) this.#expireLater()
  }

  /** Who has not been named by the list that is coming gives way. */
  #makeRoom(): boolean {
    const [stale] = this.#stale ?? []
    if (stale === undefined) return false
    this.#remove(stale)
    return true
  }

  #remove(id: string): void {
    this.#seen.delete(id)
    this.#stale?.delete(id)
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

function idOf({ peerId, canonical }: StarAddress): string {
  return peerId ?? canonical
}
