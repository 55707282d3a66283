import { parseAddress, parsePeersDelta, type StarAddress } from '@websocket-star/protocol'
import type { PeerTable } from './peer-table.js'

export interface ServerPeersOptions {
  /** The client's own peer id, which is left out. */
  self: string
  /** Maximum number of peers remembered; the server's further peers are ignored. */
  maxPeers: number
  /** Milliseconds after which a peer that is not announced again is removed, if {@link ServerPeers.expires}. */
  expiry: number
}

/** The peers that one server announces. It accepts any input from the server and keeps the valid addresses. */
export class ServerPeers {
  readonly #table: PeerTable
  readonly #options: ServerPeersOptions
  readonly #now: () => number
  /** When each peer was last announced; milliseconds. */
  readonly #seen = new Map<string, number>()
  /** Peers known before a full list that arrives in parts, and not named by it yet. */
  #stale: Set<string> | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  /** Remove peers that are not announced again: for servers that do not announce who leaves. */
  expires = true

  constructor(table: PeerTable, options: ServerPeersOptions, now: () => number = () => performance.now()) {
    this.#table = table
    this.#options = options
    this.#now = now
  }

  has(id: string): boolean {
    return this.#seen.has(id)
  }

  /** Handles `ws-peer`: one address. */
  announced(text: unknown): void {
    this.#addText(text)
  }

  /** Handles the list in the answer to a join, which may be incomplete. */
  listed(texts: readonly unknown[]): void {
    for (const text of texts) this.#addText(text)
  }

  /** Handles `ss-peers`: changes, or a full list, possibly in parts. Reads at most `maxPeers` entries of each list. */
  changed(argument: unknown): void {
    const delta = parsePeersDelta(argument)
    if (delta === undefined) return
    const { maxPeers } = this.#options
    const joined = delta.joined.slice(0, maxPeers).flatMap((text) => addressOf(text) ?? [])
    const left = delta.left.slice(0, maxPeers).flatMap((text) => addressOf(text) ?? [])
    if (delta.full === true) this.#stale = new Set(this.#seen.keys())
    for (const address of joined) this.#stale?.delete(idOf(address))
    // Stale peers are removed first, since there may be no room for the new ones.
    if (delta.more === false || (delta.full === true && delta.more !== true)) this.#removeStale()
    for (const address of joined) this.#add(address)
    for (const address of left) this.#remove(idOf(address))
  }

  #removeStale(): void {
    const stale = this.#stale ?? []
    this.#stale = undefined
    for (const id of stale) this.#remove(id)
  }

  /** Removes all peers, when the session has ended. */
  clear(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#stale = undefined
    for (const id of this.#seen.keys()) this.#remove(id)
  }

  #addText(text: unknown): void {
    const address = addressOf(text)
    if (address !== undefined) this.#add(address)
  }

  #add(address: StarAddress): void {
    const id = idOf(address)
    if (id === this.#options.self) return
    if (!this.#seen.has(id) && this.#seen.size >= this.#options.maxPeers && !this.#evictStale()) return
    this.#seen.set(id, this.#now())
    this.#table.add(this, id, address.canonical)
    if (this.expires) this.#startExpiry()
  }

  #evictStale(): boolean {
    const [stale] = this.#stale ?? []
    if (stale === undefined) return false
    this.#remove(stale)
    return true
  }

  #remove(id: string): void {
    this.#seen.delete(id)
    this.#stale?.delete(id)
    this.#table.remove(this, id)
  }

  #startExpiry(): void {
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
